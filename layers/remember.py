"""Remembering what depends on an edition and plain names only.

An edition never changes; one that knows the ledger says itself which of its measures do.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import wraps
from threading import Lock
from typing import Concatenate, ParamSpec, TypeVar

from geodata.edition import Edition

P = ParamSpec("P")
R = TypeVar("R")


def names(args: Iterable[object]) -> Iterator[object]:
    """What arguments name: texts and None themselves, of a View or a scene the measures in it."""
    for arg in args:
        yield from getattr(arg, "names", (arg,))


def per_edition(
    most: int,
) -> Callable[[Callable[Concatenate[Edition, P], R]], Callable[Concatenate[Edition, P], R]]:
    """Keep the `most` recently used results of a function of an edition and hashable names.

    The key holds the edition's id, not the object, so that the memory neither keeps a closed
    edition's files open nor answers for another edition; and the edition's revision for what the
    arguments name, so that what follows the ledger is drawn anew and nothing else is. Results are
    shared: never change one.
    """

    def decorate(
        function: Callable[Concatenate[Edition, P], R],
    ) -> Callable[Concatenate[Edition, P], R]:
        kept: OrderedDict[Hashable, R] = OrderedDict()
        lock = Lock()

        @wraps(function)
        def remembered(edition: Edition, /, *args: P.args, **kwargs: P.kwargs) -> R:
            revision = edition.revision(*names((*args, *kwargs.values())))
            key = (edition.id, revision, args, tuple(sorted(kwargs.items())))
            with lock:
                if key in kept:
                    kept.move_to_end(key)
                    return kept[key]
            # Outside the lock: two threads may compute the same thing once, none waits.
            result = function(edition, *args, **kwargs)
            with lock:
                kept[key] = result
                while len(kept) > most:
                    kept.popitem(last=False)
            return result

        return remembered

    return decorate
