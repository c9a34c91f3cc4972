"""The commands of `bangfu ledger`: check, back up, restore and export what people decided."""

from __future__ import annotations

from pathlib import Path

import click

from dashboard.commands import AT_FAULT, ChineseGroup, folder, tell
from dashboard.terminal import Shown
from dashboard.user_cli import ledger_of
from geodata.errors import AtlasError
from geodata.ledger import Ledger
from geodata.words import say

EXPORTS = (".xlsx", ".json")


@click.group("ledger", cls=ChineseGroup, help=say("cli.ledger"), short_help=say("cli.ledger_short"))
def ledger() -> None:
    """What keeps a ledger."""


out = click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help=say("cli.ledger_out"),
)


@ledger.command("verify", help=say("cli.ledger_verify"), short_help=say("cli.ledger_verify_short"))
@folder
def verify(folder: Path) -> None:
    """Check every event and every row."""
    from geodata.ledger.verify import verify as check

    with Shown() as progress:
        report = check(_there(folder), progress)
    if report.whole:
        tell(say("audit.whole", events=report.events, rows=report.rows, hash=report.hash))
        return
    for fault in report.faults:
        click.echo(say("audit.line", where=fault.where, sentence=fault.sentence))
    if report.count > len(report.faults):
        click.echo(say("audit.more", count=report.count - len(report.faults)))
    tell(f"{say('audit.broken', count=report.count)}。{say('audit.broken_cure')}")
    raise SystemExit(AT_FAULT)


@ledger.command("backup", help=say("cli.ledger_backup"), short_help=say("cli.ledger_backup_short"))
@folder
@out
def backup(folder: Path, out: Path) -> None:
    """Write one state into one file, while others go on."""
    from geodata.ledger import copies

    with Shown() as progress:
        report = copies.backup(_there(folder), out, progress)
    tell(say("audit.backed_up", file=out, events=report.events, rows=report.rows, hash=report.hash))


@ledger.command(
    "restore", help=say("cli.ledger_restore"), short_help=say("cli.ledger_restore_short")
)
@folder
@click.argument(
    "file", metavar=say("cli.word_file"), type=click.Path(path_type=Path, dir_okay=False)
)
@click.option("--replace", is_flag=True, help=say("cli.ledger_replace"))
def restore(folder: Path, file: Path, replace: bool) -> None:
    """Put a backup in the place of what the ledger holds."""
    from geodata.ledger import copies

    with Shown() as progress:
        done = copies.restore(_of(folder), file, replace=replace, progress=progress)
    if done.aside is not None:
        tell(say("audit.aside", file=done.aside))
    report = done.report
    tell(say("audit.restored", events=report.events, rows=report.rows, hash=report.hash))


@ledger.command("export", help=say("cli.ledger_export"), short_help=say("cli.ledger_export_short"))
@folder
@out
def export(folder: Path, out: Path) -> None:
    """Write all of it for people and other programs."""
    from geodata.ledger import export as exports

    # Before the work: nobody wants to wait for it to hear this.
    if out.suffix.lower() not in EXPORTS:
        raise AtlasError(say("audit.suffix"), value=out.name, cure=say("audit.suffix_cure"))
    write = exports.as_json if out.suffix.lower() == ".json" else exports.as_xlsx
    with Shown() as progress:
        events = write(_there(folder), out, progress)
    tell(say("audit.exported", file=out, events=events))


def _of(folder: Path) -> Ledger:
    """The ledger that a server of this folder would use."""
    if not folder.is_dir():
        raise AtlasError(say("ledger.no_folder"), file=str(folder))
    return ledger_of(folder)


def _there(folder: Path) -> Ledger:
    found = _of(folder)
    found.prepare(create=False)
    return found
