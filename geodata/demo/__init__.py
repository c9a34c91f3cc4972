"""Write a demo workspace: an invented, calibrated world as the raw files that districts send."""

from __future__ import annotations

import tomllib
from dataclasses import asdict
from importlib.resources import files as resources
from pathlib import Path
from string import Template

import numpy as np

from geodata.demo import counts as published
from geodata.demo import defects as planted
from geodata.demo import files, rosters
from geodata.demo.counts import Counts
from geodata.demo.geography import Geography, invent
from geodata.demo.story import LAGGING, Assisted, Story, tell
from geodata.errors import AtlasError
from geodata.progress import SILENT, Progress
from geodata.words import say
from geodata.workspace import FILE, Workspace

FEWEST, MOST = 60, 60_000
"""Villages that a demo can have: enough to plant the defects in, few enough to number."""

README = "说明.md"

BRIEFING = "briefings/huibao.toml"
"""The demo's own briefing, as an office would write one."""


def write(
    folder: Path, villages: int = published.VILLAGES, seed: int = 2021, progress: Progress = SILENT
) -> Path:
    """Write a demo workspace into ``folder`` and return it; the same arguments give the same bytes.

    `atlas.toml` comes last: a folder that has one is complete.

    Raises
    ------
    AtlasError : the folder holds a workspace already, or ``villages`` is out of reach.
    """
    folder = Path(folder)
    if not FEWEST <= villages <= MOST:
        raise AtlasError(
            say("demo.size"), value=villages, cure=say("demo.size_cure", least=FEWEST, most=MOST)
        )
    if (folder / FILE).exists():
        raise AtlasError(say("demo.exists"), file=str(folder / FILE), cure=say("demo.exists_cure"))
    folder.mkdir(parents=True, exist_ok=True)
    counts = published.scaled(villages)
    text = catalogue(counts)
    space = Workspace.model_validate(tomllib.loads(text))
    with progress.step(say("demo.step.geography")):
        geography = invent(villages, seed)
    with progress.step(say("demo.step.story")):
        story = tell(geography, counts, seed)
        defects = planted.choose(story, geography.villages.geometry)
    rng = [np.random.default_rng(part) for part in np.random.SeedSequence((seed, 3)).spawn(4)]
    with progress.step(say("demo.step.borders")):
        files.borders(folder, space, geography, defects)
    with progress.step(say("demo.step.lists")):
        files.names(folder, space, geography)
        files.lists(folder, space, story, geography, defects)
        two, three = enrol(story, geography, counts, (rng[0], rng[1]))
        files.roster(folder, space, "2", two)
        files.roster(folder, space, "3", three)
    files.annual(folder, space, story, geography, defects, progress)
    files.quarterly(folder, space, story, geography, rng[2], progress)
    silent = files.monthly(folder, space, story, geography, defects, rng[3], progress)
    (folder / BRIEFING).parent.mkdir(exist_ok=True)
    (folder / BRIEFING).write_text(_template("briefing"), "utf-8")
    (folder / README).write_text(_explain(counts, story, geography, defects, silent, seed), "utf-8")
    (folder / FILE).write_text(text, "utf-8")
    return folder


def catalogue(counts: Counts = published.PUBLISHED) -> str:
    """`atlas.toml` of a demo world: the template with the world's own counts filled in."""
    return Template(_template("atlas")).substitute(
        asdict(counts),
        pairs3=counts.pairs3,
        single3=counts.teams3 - counts.pairs3,
    )


def _template(name: str) -> str:
    return resources("geodata.demo").joinpath(f"{name}.template.toml").read_text("utf-8")


def enrol(
    story: Story,
    geography: Geography,
    counts: Counts,
    rng: tuple[np.random.Generator, np.random.Generator],
) -> tuple[rosters.Roster, rosters.Roster]:
    """Teams and units of rounds 2 and 3."""
    codes = story.villages["code"].to_numpy(dtype=object)
    districts = {
        code[:6]: name
        for code, name in zip(geography.districts["code"], geography.districts["name"], strict=True)
    }
    need2 = np.where(story.infrastructure, "works", "economy").astype(object)
    need2[story.conflict] = "justice"
    need2[story.branch] = "party"
    lacking = (story.round3.built > story.round3.arrival[:, None]).sum(axis=1)
    need3 = np.where(lacking >= LAGGING - 1, "works", "economy").astype(object)

    def roster(
        prefix: str,
        assisted: Assisted,
        need: np.ndarray[tuple[int], np.dtype[np.object_]],
        people: int,
        units: dict[str, int],
        generator: np.random.Generator,
    ) -> rosters.Roster:
        return rosters.enrol(
            prefix,
            codes[assisted.rows],
            districts,
            assisted.team,
            assisted.arrival,
            need,
            people,
            units,
            generator,
        )

    units2 = dict(
        zip(
            rosters.KINDS,
            (counts.municipal2, counts.district2, counts.stationed2, counts.private2),
            strict=True,
        )
    )
    # Round 3's units are published as one number: shared here as round 2's were.
    units3 = dict(
        zip(
            rosters.KINDS,
            published.apportion(counts.units3, list(units2.values())),
            strict=True,
        )
    )
    return (
        roster("R2", story.round2, need2, counts.people2, units2, rng[0]),
        roster("R3", story.round3, need3, counts.people3, units3, rng[1]),
    )


def _explain(
    counts: Counts,
    story: Story,
    geography: Geography,
    defects: planted.Defects,
    silent: str,
    seed: int,
) -> str:
    """说明.md: what is invented and what is wrong."""
    villages = story.villages
    towns = dict(zip(geography.towns["code"], geography.towns["name"], strict=True))

    def called(row: int) -> str:
        one = villages.iloc[row]
        return f"{towns[one['town']]}{one['name']}（{one['code']}）"

    return say(
        "demo.readme",
        villages=counts.villages,
        seed=seed,
        scaled="" if counts == published.PUBLISHED else say("demo.readme_scaled"),
        targets2=counts.targets2,
        targets3=counts.targets3,
        unmentioned=called(defects.unmentioned),
        without_code=called(defects.without_code),
        numeric=called(defects.numeric),
        repeated=called(defects.repeated),
        first=called(defects.overlap[0]),
        second=called(defects.overlap[1]),
        push=f"{planted.PUSH:g}",
        silent=f"{towns[silent]}（{silent}）",
    )
