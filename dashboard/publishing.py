"""Publishing from end to end: gate, public edition, pages, their check, the record, the switch.

Nothing that readers see changes until everything is written, checked and recorded. What was
published lies in `DIR/public/ID`: `edition` and `site`; `DIR/public/current` names the one that
holds, and is written last.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dashboard import folders
from geodata.edition import CURRENT, PUBLIC, PUBLIC_EDITION, Edition, published_id
from geodata.errors import AtlasError, EditionError, UnknownName, reason
from geodata.ledger import Actor, Conflict, Ledger, NoLedger
from geodata.ledger.store import now
from geodata.ledger.written import CHINA
from geodata.progress import SILENT, Progress
from geodata.publish import record, seen
from geodata.publish.derive import derive
from geodata.publish.gate import Gate, Protect, Published, Refusal, Withdrawal, examine
from geodata.words import say
from layers.view import View

SITE = "site"
PAGES = "pages"
_ASIDE = ".publishing-"
_SHOWN = 20
"""Faults of pages that are named; more are counted."""


@dataclass(frozen=True)
class Wished:
    """What a publication is asked for."""

    accept_demo: bool = False
    accepted: Mapping[str, str] | None = None
    """Measure -> why its changed definition is meant."""
    out: Path | None = None
    """Where a copy of the site goes."""
    withdraw: str = ""
    """Measure to take back first."""
    lift: str = ""
    """Measure to put back first."""
    why: str = ""
    """Of the one or the other."""
    pages: tuple[str, ...] = ()
    """Measures that are also written as a page each, to send by mail."""
    dry: bool = False
    """Only say what would be done."""
    edition: str = ""
    """Id of the edition that was looked at before; another one is refused. "": the current one."""


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    gate: Gate
    edition: str
    """Id of the edition that was examined."""
    public: str
    """Id of the public edition; "" when nothing was published."""
    folder: Path | None
    """Of what was published."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**self.gate.as_dict(), "edition": self.edition, "public": self.public}


def publish(
    folder: Path,
    ledger: Ledger,
    actor: Actor,
    wished: Wished,
    *,
    protect: Protect | None = None,
    progress: Progress = SILENT,
) -> Outcome:
    """Publish the current edition of a workspace, or say why not.

    Parameters
    ----------
    ledger : prepared, unless the run is dry.
    protect : as of `gate.examine`.

    Raises
    ------
    Forbidden : for whoever may not publish.
    UnknownName, BadRequest, Conflict : a measure that cannot be taken back, put back or accepted.
    EditionError : when nothing was built, or the folder or `out` cannot be written.
    LedgerError : when it could not be recorded; then nothing was published.
    """
    record.needs(actor)
    folder = Path(folder)
    edition = Edition.open(folder)
    if wished.edition not in ("", edition.id):
        raise Conflict(
            say("publish.edition_moved"), value=edition.id, cure=say("publish.edition_moved_cure")
        )
    for name in wished.accepted or {}:
        edition.space.measure(name)
    last, standing = _before(ledger, wished)
    if wished.out is not None:
        check_out(folder, wished.out)
    if wished.withdraw:
        taken = _taken(ledger, actor, wished, last, standing)
        standing = {**standing, taken.measure: taken}
    if wished.lift:
        if wished.dry:
            _known(wished.lift, standing)
        else:
            record.lift(ledger, actor, wished.lift, wished.why)
        standing = {name: one for name, one in standing.items() if name != wished.lift}
    gate = examine(
        edition,
        last,
        accept_demo=wished.accept_demo,
        accepted=wished.accepted,
        withdrawn=standing,
        protect=protect,
        progress=progress,
    )
    for name in wished.pages if gate.allowed else ():
        _known(name, {one.id: one for one in gate.measures})
    if not gate.allowed or wished.dry:
        return Outcome(gate, edition.id, "", None)
    home = folder / PUBLIC
    with _system(home):
        home.mkdir(parents=True, exist_ok=True)
        with _aside(home) as aside:
            public = derive(edition, gate, aside / PUBLIC_EDITION, progress)
            opened = Edition.of_folder(aside / PUBLIC_EDITION, public)
            faults = _write_site(opened, aside / SITE, progress)
            if faults:
                return Outcome(gate.refused(_inaccessible(faults)), edition.id, "", None)
            _write_pages(opened, wished.pages, aside / PAGES, progress)
            _settle(aside, home / public)
        before = published_id(folder)
        told = seen.after(edition, gate, seen.read(folder / seen.FILE))
        try:
            record.record(ledger, actor, edition, gate, public)
        except BaseException:
            # Nobody decided it: it may not lie where readers could find it.
            if public != before:
                shutil.rmtree(home / public, ignore_errors=True)
            raise
        # Before anybody can read it: what was shown once must never be taken for unknown.
        seen.write(told, folder / seen.FILE)
        _point(home, public)
        _prune(home, public, before, gate, last)
        if wished.out is not None:
            _copy(home / public, wished.out, progress)
    return Outcome(gate, edition.id, public, home / public)


# ---- what was before ----


def _before(ledger: Ledger, wished: Wished) -> tuple[Published | None, Mapping[str, Withdrawal]]:
    """The last publication and what is taken back; a dry run may be without any ledger."""
    try:
        if wished.dry:
            ledger.prepare(create=False)
        return record.published(ledger), record.withdrawals(ledger)
    except NoLedger:
        return None, {}


def _taken(
    ledger: Ledger,
    actor: Actor,
    wished: Wished,
    last: Published | None,
    standing: Mapping[str, Withdrawal],
) -> Withdrawal:
    """The measure that is taken back, on record unless the run is dry."""
    if not wished.dry:
        return record.withdraw(ledger, actor, wished.withdraw, wished.why)
    known = last.known if last else {}
    _known(wished.withdraw, known)
    today = datetime.fromisoformat(now().replace("Z", "+00:00")).astimezone(CHINA).date()
    return Withdrawal(wished.withdraw, known[wished.withdraw].label, wished.why, today.isoformat())


def _known(name: str, among: Mapping[str, Any]) -> None:
    if name not in among:
        raise UnknownName.among("measure", name, among)


# ---- pages ----


def _write_site(edition: Edition, site: Path, progress: Progress) -> list[str]:
    """Write the pages; returns what is wrong with them."""
    from dashboard import bundle
    from layers.public import audit

    bundle.write(edition, site, progress=progress)
    pages = sorted(site.rglob("*.html"))
    faults: list[str] = []
    with progress.step(say("publish.step.audit"), len(pages)) as advance:
        for page in pages:
            faults += audit.check(page.read_text("utf-8"), page.relative_to(site).as_posix())
            advance(1)
    return faults


def _write_pages(edition: Edition, names: tuple[str, ...], home: Path, progress: Progress) -> None:
    """A page a measure that needs nothing beside it: all periods of its last round."""
    from layers import page

    with progress.step(say("publish.step.pages"), len(names)) as advance:
        for name in names:
            home.mkdir(exist_ok=True)
            measure = edition.space.measure(name)
            upper = [one for one in measure.public_levels if one != edition.levels[-1].id]
            # The finest level whose names can be read; the root alone makes no map.
            level = (upper[1:] or [measure.public_levels[-1]])[-1]
            view = View(round=measure.rounds[-1], measure=name, level=level)
            (home / f"{name}.html").write_text(page.save(edition, view, every=True), "utf-8")
            advance(1)


def _inaccessible(faults: list[str]) -> Refusal:
    shown = "；".join(faults[:_SHOWN])
    more = say("publish.more", count=len(faults) - _SHOWN) if len(faults) > _SHOWN else ""
    return Refusal(
        "accessibility",
        say("publish.refused.accessibility.message"),
        shown + more,
        say("publish.refused.accessibility.cure"),
    )


# ---- folders ----


def check_out(folder: Path, out: Path) -> None:
    """Pass a place that a site may be copied to: nothing, an empty folder, or an older bundle.

    Raises
    ------
    EditionError : for all others, before any work.
    """
    from dashboard.bundle import manifest

    place, home = Path(out).resolve(), (Path(folder) / PUBLIC).resolve()
    foreign = EditionError(
        say("publish.out_foreign"), file=str(out), cure=say("publish.out_foreign_cure")
    )
    if home in (place, *place.parents):
        raise foreign
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        return
    try:
        manifest.read(place)
    except EditionError as error:
        raise foreign from error


def _copy(publication: Path, out: Path, progress: Progress) -> None:
    """A copy of the site and of the pages in the place of the bundle that may be there, whole or
    not at all.
    """
    place = Path(out).resolve()
    with (
        _system(place),
        progress.step(say("publish.step.place", folder=out)) as advance,
        folders.replacing(place) as beside,
    ):
        shutil.copytree(publication / SITE, beside, dirs_exist_ok=True)
        if (publication / PAGES).is_dir():
            shutil.copytree(publication / PAGES, beside / PAGES, dirs_exist_ok=True)
        advance(1)


@contextmanager
def _aside(home: Path) -> Iterator[Path]:
    """A folder to write to; what killed runs left goes."""
    for left in home.glob(f"{_ASIDE}*"):
        if not _alive(left.name):
            shutil.rmtree(left, ignore_errors=True)
    path = home / f"{_ASIDE}{os.getpid()}-{secrets.token_hex(4)}"
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _alive(name: str) -> bool:
    try:
        os.kill(int(name.removeprefix(_ASIDE).partition("-")[0]), 0)
    except PermissionError:
        return True
    except (ValueError, ProcessLookupError, OverflowError):
        return False
    return True


def _settle(aside: Path, place: Path) -> None:
    """Rename what is complete; a publication of the same content gives way to it."""
    old = place.with_name(f"{_ASIDE}old-{secrets.token_hex(4)}")
    if place.exists():
        place.rename(old)
    aside.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def _point(home: Path, public: str) -> None:
    """Make a publication the one that holds, in one step."""
    beside = home / f".{CURRENT}-{secrets.token_hex(4)}"
    with beside.open("w", encoding="ascii") as stream:
        stream.write(public + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(home / CURRENT)


def _prune(home: Path, public: str, before: str, gate: Gate, last: Published | None) -> None:
    """Remove older publications: what was taken back may lie nowhere.

    The one before stays for readers that are just opening it, unless it shows a measure that is
    not published any more.
    """
    left = {one.id for one in gate.measures}
    keep = {public}
    if last is not None and last.public == before and set(last.measures) <= left:
        keep.add(before)
    for one in home.iterdir():
        if one.is_dir() and not one.name.startswith(".") and one.name not in keep:
            shutil.rmtree(one, ignore_errors=True)


@contextmanager
def _system(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AtlasError(reason(error), file=str(error.filename or place)) from error
