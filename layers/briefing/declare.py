"""A briefing file: which scenes the wall shows, in which order, how long, with what notes."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, model_validator

from geodata import declared
from geodata.declared import Identifier, PeriodId, Table
from geodata.errors import AtlasError, reason
from geodata.vocabulary import Theme
from geodata.words import say

SUFFIX = ".toml"
CHILDREN = "children"
"""Stands for all regions just below the root."""
THEME = "theme:"

_NAME = re.compile(r"[a-z0-9-]+")
_SCENE_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")
# A briefing is a page or two; what is larger is another file.
_MOST_BYTES = 1_000_000


class BriefingError(AtlasError):
    """A briefing file cannot be read, or asks for what the edition does not have."""


class Kind(StrEnum):
    """What a scene tells."""

    OVERVIEW = "overview"
    """The headline and the headline figures."""
    MAP = "map"
    """One measure on the map: how much, where most and where least."""
    GAPS = "gaps"
    """The items as small multiples, and where most is missing."""
    PROGRESS = "progress"
    """The map through the periods while the curve draws against its plan points."""
    REGION = "region"
    """One region: where it stands and its parts."""
    STANDINGS = "standings"
    """Who is ahead, who improved most, who is stuck and since when."""
    CONTACT = "contact"
    """Contact points, visits and problems, from the ledger; left out while it holds none."""


_OWN = ("round", "measure", "measures", "regions", "level", "period")
"""What a contact scene does not choose: it is about the whole, now."""


def _scene_name(text: str) -> str:
    if not _SCENE_NAME.fullmatch(text):
        raise ValueError(say("briefing.scene_name"))
    return text


def _selector(text: str) -> str:
    if text.startswith(THEME):
        themes = [one.value for one in Theme]
        theme = text.removeprefix(THEME)
        if theme not in themes:
            allowed = "、".join(THEME + name for name in themes)
            hint = declared.near(theme, themes)
            raise ValueError(say("briefing.theme", allowed=allowed) + hint)
        return text
    return text if text else _refuse("briefing.empty")


def _refuse(key: str) -> str:
    raise ValueError(say(key))


def _many(value: object) -> object:
    # One region may be written without brackets.
    return (value,) if isinstance(value, str) else value


class Item(Table):
    """`[[scenes]]`: one scene, or one for each of its regions."""

    kind: Kind = Field(
        description="`overview` (headline figures), `map` (one measure), `gaps` (items as small "
        "multiples, worst towns), `progress` (the months against the plan), `region` (one region "
        "a scene), `standings` (who is ahead, who is stuck), `contact` (contact points, visits and "
        "problems, now; left out while the ledger holds none)."
    )
    id: Annotated[str, AfterValidator(_scene_name)] | None = Field(
        None,
        description="Name of the scene in addresses; by default its kind, with `-2` for the "
        "second, and with the code for regions: `region-120119`.",
    )
    title: str | None = Field(None, description="Title; by default computed.")
    round: Identifier | None = Field(
        None, description="Round; by default the last one that has data."
    )
    measure: Annotated[str, AfterValidator(_selector)] | None = Field(
        None,
        description="Measure id, or `theme:coverage`, `theme:gaps`, `theme:progress`: the "
        "theme's first measure with data in the round (of progress, one with plan points first).",
    )
    measures: tuple[Identifier, ...] | None = Field(
        None,
        min_length=1,
        max_length=24,
        description="Small multiples of a `gaps` scene; by default the measures that count who "
        "lacks each of the round's items, in their order.",
    )
    regions: (
        Annotated[
            tuple[Annotated[str, Field(min_length=1)], ...],
            Field(min_length=1),
            BeforeValidator(_many),
        ]
        | None
    ) = Field(
        None,
        description='Codes, or `"children"` for all regions just below the root: one scene each. '
        "By default the children for `region`, the root for every other kind.",
    )
    level: Identifier | None = Field(
        None,
        description="Level that the map colours; by default two below the root (never the leaves "
        "while there is one between), and below any other region its children.",
    )
    period: PeriodId | None = Field(None, description="Period; by default the latest.")
    dwell: float | None = Field(
        None, ge=5, le=600, description="Seconds that it stays; by default the briefing's."
    )
    rows: int = Field(8, ge=3, le=20, description="Most rows in a list.")
    notes: str = Field("", description="Rehearsal notes (讲稿), for the presenter's phone only.")
    notes_by_region: dict[str, str] = Field(
        default_factory=dict,
        description="Notes of single regions: code = notes; they replace `notes` there.",
    )

    @model_validator(mode="after")
    def _fitting(self) -> Item:
        if self.measures is not None and self.kind is not Kind.GAPS:
            raise ValueError(say("briefing.measures_kind", kind=self.kind.value))
        chosen = [key for key in _OWN if getattr(self, key) is not None]
        if self.kind is Kind.CONTACT and (chosen or self.notes_by_region):
            keys = "、".join(chosen or ["notes_by_region"])
            raise ValueError(say("briefing.contact_keys", keys=keys))
        return self


class Briefing(Table):
    """All of a briefing file, checked within itself; knows no edition."""

    strict: ClassVar[bool] = True
    """Whether a scene without data is an error; otherwise it is left out."""

    title: str = Field(min_length=1, description="Title of the briefing.")
    dwell: float = Field(20.0, ge=5, le=600, description="Seconds that a scene stays.")
    scenes: tuple[Item, ...] = Field(min_length=1, max_length=200, description="Scenes, in order.")

    _file: str = PrivateAttr(default="")

    @property
    def file(self) -> str:
        """Path it was read from; empty for the built-in."""
        return self._file

    @model_validator(mode="after")
    def _names_apart(self) -> Briefing:
        names = [scene.id for scene in self.scenes if scene.id]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(say("briefing.twice", names="、".join(twice)))
        return self


class _BuiltIn(Briefing):
    """The briefing that every edition has: what it has no data for is left out."""

    strict: ClassVar[bool] = False


def read(path: Path) -> Briefing:
    """Read a briefing file.

    Raises
    ------
    BriefingError : naming file, key, value and cure; all problems at once.
    """
    path = Path(path)
    if not _NAME.fullmatch(path.stem):
        raise BriefingError(
            say("briefing.file_name"), file=str(path), cure=say("briefing.file_name_cure")
        )
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise BriefingError(
            say("briefing.unreadable"), file=str(path), value=reason(error)
        ) from error
    if len(data) > _MOST_BYTES:
        raise BriefingError(say("briefing.large"), file=str(path), cure=say("briefing.large_cure"))
    raw = declared.parse(data, str(path), BriefingError)
    found = declared.check(Briefing, raw, str(path), BriefingError)
    found._file = str(path)
    return found


def default() -> Briefing:
    """The built-in briefing: works for every edition, says nothing that its data do not."""
    return _BuiltIn(
        title=say("briefing.default"),
        dwell=20,
        scenes=(
            Item(kind=Kind.OVERVIEW),
            Item(kind=Kind.MAP, id="coverage", measure=THEME + Theme.COVERAGE),
            Item(kind=Kind.GAPS),
            Item(kind=Kind.PROGRESS, dwell=30),
            Item(kind=Kind.REGION, regions=(CHILDREN,)),
            Item(kind=Kind.STANDINGS, dwell=30),
            Item(kind=Kind.CONTACT),
        ),
    )


def keys() -> dict[str, str]:
    """Every key of a briefing file with its description, as `scenes.kind`.

    The README's table is held against this by a test.
    """
    return declared.keys(Briefing)
