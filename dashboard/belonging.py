"""What an account may belong to: the districts and units of the current edition, for forms."""

from __future__ import annotations

from dashboard.library import Library
from geodata.errors import AtlasError


class Districts:
    """Districts and units as the current edition has them; none while there is no edition."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def all(self) -> dict[str, str]:
        """Names by code, in the edition's order: of the level below the root."""
        try:
            edition = self._library.current().edition
        except AtlasError:
            return {}
        level = edition.levels[min(1, len(edition.levels) - 1)]
        frame = edition.regions(level.id)
        return dict(zip(frame["code"].astype(str), frame["name"].astype(str), strict=True))

    def name(self, code: str) -> str:
        """A district's name; its code when the edition does not know it."""
        return self.all().get(code, code) if code else ""

    def units(self) -> list[str]:
        """Names of the units at work anywhere, in the round of contact points."""
        try:
            edition = self._library.current().edition
            kind = edition.space.unit_kind
            if not kind:
                return []
            round_id = edition.space.contact_round.id
            frame = edition.entities(kind, round_id, edition.root.code)
        except AtlasError:
            return []
        return sorted({str(name) for name in frame["name"] if name})
