"""What goes wrong with data or a request, said with place, value and cure."""

from __future__ import annotations

import errno
from collections.abc import Iterable

from geodata.words import say

_LONGEST = 300

_SYSTEM = {
    errno.ENOENT: "absent",
    errno.ENOTDIR: "not_folder",
    errno.EISDIR: "is_folder",
    errno.EEXIST: "exists",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.EROFS: "read_only",
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.ENAMETOOLONG: "long_name",
    errno.EMFILE: "many_open",
    errno.EIO: "disk",
}


def reason(error: OSError) -> str:
    """Why the system refused, in Chinese: what Python hands on is in the system's language."""
    known = _SYSTEM.get(error.errno or 0)
    if known is None:
        return say("error.system.other", number=error.errno or error)
    return say(f"error.system.{known}")


class AtlasError(Exception):
    """Something at fault in the data, the workspace or a request.

    Raised in the domain, explained once at the edge (the command line prints the sentence and
    exits 1; HTTP answers with `http_status` and the sentence as JSON).

    Parameters
    ----------
    message : what is wrong, a sentence.
    file, place, value : where it is (a path, "row 7" / a key / a feature) and what was found.
    cure : what the reader can do about it.
    field : of the form that it came from, as the form calls it; "problems.0.said" for one in a row.
    """

    http_status = 400

    def __init__(
        self,
        message: str,
        *,
        file: str = "",
        place: str = "",
        value: object = "",
        cure: str = "",
        field: str = "",
    ) -> None:
        self.field = field
        self.message, self.file, self.place, self.value, self.cure = (
            message,
            str(file),
            place,
            "" if value is None else str(value),
            cure,
        )
        super().__init__(str(self))

    def __str__(self) -> str:
        where = " · ".join(part for part in (self.file, self.place) if part)
        # Whoever sent eight thousand characters need not read them all again.
        shown = self.value if len(self.value) <= _LONGEST else self.value[:_LONGEST] + "……"
        value = f"「{shown}」" if shown else ""
        head = f"{where}：" if where else ""
        return f"{head}{self.message}{value}" + (f"。{self.cure}" if self.cure else "")


class WorkspaceError(AtlasError):
    """`atlas.toml` is missing, unreadable or says something that cannot be."""


class SourceError(AtlasError):
    """A source file cannot be read at all."""


class ShapeError(AtlasError):
    """A geometry operation would lose, shift or invent area."""


class EditionError(AtlasError):
    """No edition is there, or it cannot be opened."""

    http_status = 503


class UnknownName(AtlasError):
    """A region, measure, level, period, round or edition that does not exist."""

    http_status = 404

    @classmethod
    def among(cls, what: str, value: object, allowed: Iterable[str] = ()) -> UnknownName:
        """Say which name is unknown and which names there are (the first dozen).

        `what` is a key under `error.what`: region, measure, level, period, round, ...
        """
        names = list(allowed)
        shown = "、".join(names[:12]) + (say("error.more") if len(names) > 12 else "")
        return cls(
            say("error.unknown", what=say(f"error.what.{what}")),
            value=value,
            cure=say("error.allowed", names=shown) if names else "",
        )


class BadRequest(AtlasError):
    """An argument that is not of the form it must have."""
