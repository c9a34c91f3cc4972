"""What an edition says about the villages that can be picked, gathered once an edition."""

from __future__ import annotations

import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geodata.edition import Edition
from geodata.workspace import ContactPoints, Round, Workspace

EARTH_KM = 6371.0088
"""Mean radius (IUGG)."""


@dataclass(frozen=True)
class Places:
    """The leaves of an edition in position order, for the round whose villages are picked."""

    space: Workspace
    round: Round
    codes: tuple[str, ...]
    names: tuple[str, ...]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    """Label points, degrees."""
    target: NDArray[np.bool_]
    """The round's targets."""
    district: NDArray[np.int32]
    """Position in `districts` of each leaf."""
    districts: tuple[tuple[str, str], ...]
    """Code and name of each region of the level that contact points are spread over."""
    units: Mapping[str, frozenset[str]]
    """Code of a leaf: names (as `spelled`) of the units that support it in the round."""
    position: Mapping[str, int]
    """Code of a leaf: its position."""

    @property
    def rules(self) -> ContactPoints:
        """What the workspace declares."""
        return self.space.contact_points

    @property
    def eligible(self) -> NDArray[np.bool_]:
        """Leaves that may be picked at all: the targets, or every one."""
        return self.target if self.rules.only_targets else np.ones_like(self.target)

    @property
    def leaf_label(self) -> str:
        """What people call a leaf: 村."""
        return self.space.leaf.label

    @property
    def district_label(self) -> str:
        """What people call a district: 区."""
        return self.space.district.label

    def name(self, code: str) -> str:
        """The name of a leaf; the code itself when this edition does not know it."""
        at = self.position.get(code)
        return code if at is None else self.names[at]

    def district_of(self, code: str) -> int | None:
        """Position in `districts`; None for a leaf that this edition does not know."""
        at = self.position.get(code)
        return None if at is None else int(self.district[at])

    def wanted_districts(self) -> tuple[int, ...]:
        """Districts that have a village to pick at all; none where there is only one district."""
        if len(self.districts) < 2:
            return ()
        return tuple(int(one) for one in np.unique(self.district[self.eligible]))

    def nearest(self, code: str) -> Iterator[tuple[str, float]]:
        """All other eligible leaves with great-circle km, nearest first; nothing for unknown ones.

        Equally near ones (to the metre) come in code order.
        """
        at = self.position.get(code)
        if at is None:
            return
        km = distances(self.lon[at], self.lat[at], self.lon, self.lat)
        order = np.argsort(np.round(km, 3), kind="stable")
        eligible = self.eligible
        for n in order:
            if n != at and eligible[n]:
                yield self.codes[n], float(km[n])


def distances(
    lon: float, lat: float, lons: NDArray[np.float64], lats: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Great-circle km from a point to many (haversine; degrees)."""
    a, b = np.radians(lat), np.radians(lats)
    half = np.sin((b - a) / 2) ** 2
    half = half + np.cos(a) * np.cos(b) * np.sin(np.radians(lons - lon) / 2) ** 2
    found: NDArray[np.float64] = 2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
    return found


def spelled(name: str) -> str:
    """A unit's name as it is compared: full-width and half-width are one, ends are trimmed."""
    return unicodedata.normalize("NFKC", name).strip()


_KEPT = 4
_known: OrderedDict[tuple[str, str, ContactPoints], Places] = OrderedDict()
_guard = threading.Lock()


def places(edition: Edition) -> Places:
    """The places of an edition; gathered once, and kept for the few editions that are in use.

    By the edition's name, not by the object: what follows the ledger is wrapped anew with each
    event.
    """
    key = (str(edition.folder), edition.id, edition.space.contact_points)
    with _guard:
        found = _known.get(key)
        if found is None:
            found = _known[key] = _gather(edition)
            if len(_known) > _KEPT:
                _known.popitem(last=False)
        _known.move_to_end(key)
        return found


def _gather(edition: Edition) -> Places:
    space = edition.space
    item, leaf, upper = space.contact_round, space.leaf.id, space.district.id
    frame = edition.regions(leaf)
    codes = tuple(str(code) for code in frame["code"])
    above = edition.regions(upper)
    return Places(
        space=space,
        round=item,
        codes=codes,
        names=tuple(str(name) for name in frame["name"]),
        lon=frame["lon"].to_numpy(np.float64),
        lat=frame["lat"].to_numpy(np.float64),
        target=edition.targets(item.id),
        district=edition.nesting.above(leaf, upper),
        districts=tuple(
            (str(code), str(name)) for code, name in zip(above["code"], above["name"], strict=True)
        ),
        units=_units(edition, item.id),
        position={code: n for n, code in enumerate(codes)},
    )


def _units(edition: Edition, round_id: str) -> dict[str, frozenset[str]]:
    kind = edition.space.unit_kind
    if kind is None:
        return {}
    frame = edition.entities(kind, round_id, edition.root.code)
    found: dict[str, set[str]] = {}
    for name, codes in zip(frame["name"], frame["codes"], strict=True):
        for code in codes:
            found.setdefault(str(code), set()).add(spelled(str(name)))
    return {code: frozenset(names) for code, names in found.items()}
