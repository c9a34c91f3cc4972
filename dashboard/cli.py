"""The command line: `bangfu demo`, `check`, `build`, `serve`, `publish`, `briefing`, `bench`."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from dashboard.commands import AT_FAULT, DONE, USAGE, ChineseGroup, folder, tell
from dashboard.terminal import Shown, table
from geodata.errors import AtlasError, reason
from geodata.words import say

if TYPE_CHECKING:
    from geodata.ledger import Ledger

REPORTS = (".html", ".htm", ".json", ".xlsx")
EXPORTS = {".pptx": "pptx", ".pdf": "pdf", ".zip": "png"}
"""What a briefing is written as, by the file's ending; a zip holds a picture a scene."""


LATER = {
    "ledger": "dashboard.ledger_cli",
    "publish": "dashboard.publish_cli",
    "user": "dashboard.user_cli",
}
"""Commands that need the ledger, and the modules they lie in."""


@click.group(cls=ChineseGroup, help=say("cli.about"), later=LATER)
def bangfu() -> None:
    """Everything the project does from a terminal."""


@bangfu.command(help=say("cli.demo"), short_help=say("cli.demo_short"))
@folder
@click.option(
    "--villages",
    type=click.IntRange(100, 1_000_000),
    default=3520,
    metavar="N",
    help=say("cli.demo_villages"),
)
@click.option("--seed", type=int, default=2021, metavar="S", help=say("cli.demo_seed"))
def demo(folder: Path, villages: int, seed: int) -> None:
    """Write a demo workspace."""
    from dashboard.user_cli import ledger_of
    from geodata import demo as invented

    if folder.exists() and any(folder.iterdir()):
        raise AtlasError(say("cli.not_empty"), file=str(folder), cure=say("cli.not_empty_cure"))
    book = ledger_of(folder)  # before the work: a wrong setting is said at once
    with Shown() as progress:
        invented.write(folder, villages=villages, seed=seed, progress=progress)
    _people(folder, book)
    tell(say("cli.demo_done", folder=folder))


def _people(folder: Path, book: Ledger) -> None:
    """Make the demo's accounts, and show their passwords: this once, and only here."""
    from dashboard.user_cli import print_table
    from geodata.demo import people

    made = people.enrol(folder, book)
    if not made:
        return
    rows = [(say(f"account.role.{role}"), name, password) for role, name, password in made]
    print_table(("role", "name", "password"), rows, Console(stderr=True))
    tell(say("account.demo.done", folder=folder))


@bangfu.command(help=say("cli.check"), short_help=say("cli.check_short"))
@folder
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help=say("cli.check_report"),
)
def check(folder: Path, report: Path | None) -> None:
    """Read everything and name every finding."""
    from geodata import check as checks
    from geodata import reports

    # Before the work: nobody wants to wait for the whole check to hear this.
    if report is not None and report.suffix.lower() not in REPORTS:
        raise AtlasError(say("report.suffix"), value=report.name, cure=say("report.suffix_cure"))
    with Shown() as progress:
        world = checks.read(folder, progress)
    Console().print(reports.terminal(world))
    if report is not None:
        tell(say("cli.report_written", file=reports.write_report(report, world)))
    # No part of an edition, and so no findings; but nobody wants to hear it at the wall first.
    broken = _broken_briefings(folder)
    for line in broken:
        click.echo(line)
    if world.errors or broken:
        raise SystemExit(AT_FAULT)


@bangfu.command(help=say("cli.build"), short_help=say("cli.build_short"))
@folder
def build(folder: Path) -> None:
    """Make an edition; its id is the last line, alone on stdout."""
    from geodata.build import build as make

    with Shown() as progress:
        identifier = make(folder, progress)
    for line in _broken_briefings(folder, identifier):
        tell(line)
    _demo_year(folder, identifier)
    click.echo(identifier)


def _demo_year(folder: Path, identifier: str) -> None:
    """Tell the demo's year in its ledger, once: the rules of picking need an edition."""
    from dashboard.user_cli import ledger_of
    from geodata.demo import decisions
    from geodata.edition import Edition
    from geodata.ledger import NoLedger

    edition = Edition.open(folder, identifier)
    if not edition.space.atlas.demo:
        return
    try:
        book = ledger_of(folder)
        book.prepare(create=False)
        with Shown() as progress:
            told = decisions.fill(book, edition, progress=progress)
    except NoLedger:
        return  # `bangfu demo` makes one, with the accounts; whoever has none wants none
    except AtlasError as error:
        # The edition is built all the same, and the next build tries again.
        tell(say("demo.decisions.failed", sentence=error))
        return
    if told:
        tell(say("demo.decisions.filled"))


def _broken_briefings(folder: Path, edition: str | None = None) -> list[str]:
    """What is wrong with the briefing files, a line each; with an edition also at that."""
    from dashboard.briefings import FOLDER, survey
    from geodata.edition import Edition

    if not (folder / FOLDER).is_dir():
        return []
    book = Edition.open(folder, edition) if edition else None
    return [
        say("cli.briefing_broken", problem=row.problem)
        for row in survey(folder, book)
        if row.problem is not None
    ]


@bangfu.command(help=say("cli.serve"), short_help=say("cli.serve_short"))
@click.argument(
    "folder",
    metavar=f"[{say('cli.word_folder')}]",
    required=False,
    type=click.Path(path_type=Path, file_okay=False),
)
@click.option("--audience", type=click.Choice(["internal", "public"]), help=say("cli.audience"))
@click.option("--host", metavar="HOST", help=say("cli.host"))
@click.option("--port", type=click.IntRange(1, 65535), metavar="PORT", help=say("cli.port"))
@click.option("--workers", type=click.IntRange(1, 64), metavar="N", help=say("cli.workers"))
def serve(folder: Path | None, **given: Any) -> None:
    """Serve the current edition until stopped."""
    from dashboard import settings, wsgi

    chosen = settings.read(workspace=folder, **given)
    key = "public_server.serving" if chosen.audience == "public" else "cli.serving"
    wsgi.serve(chosen, ready=lambda: tell(say(key, host=chosen.host, port=chosen.port)))


@bangfu.command(help=say("cli.briefing"), short_help=say("cli.briefing_short"))
@folder
@click.option("--name", metavar="ID", help=say("cli.briefing_name"))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help=say("cli.briefing_out"),
)
@click.option("--link", metavar="URL", help=say("cli.briefing_link"))
def briefing(folder: Path, name: str | None, out: Path | None, link: str | None) -> None:
    """List the briefings of a workspace, or write one as a file."""
    from dashboard import briefings, errands, exports, settings
    from geodata.edition import Edition
    from geodata.errors import UnknownName

    # Before the work, as with reports.
    if out is not None and out.suffix.lower() not in EXPORTS:
        raise AtlasError(say("cli.briefing_suffix"), value=out.name, cure="、".join(EXPORTS))
    chosen = settings.read(workspace=folder)
    own = chosen.public_url or f"http://{chosen.host}:{chosen.port}"
    base = exports.check_link(link if link is not None else own)
    edition = Edition.open(folder)
    rows = briefings.survey(folder, edition)
    if name is None and out is not None:
        name = briefings.DEFAULT
    if name is not None:
        known = [row.id for row in rows]
        rows = [row for row in rows if row.id == name]
        if not rows:
            cure = say("error.allowed", names="、".join(known))
            raise UnknownName(say("export.unknown_briefing"), value=name, cure=cure)
    if out is None:
        with Shown() as progress:
            lines = briefings.described(edition, rows, progress)
        click.echo("\n".join(lines))
        if any(row.problem for row in rows):
            raise SystemExit(AT_FAULT)
        return
    (row,) = rows
    if row.version is None or row.problem is not None:
        raise row.problem or UnknownName(say("export.unknown_briefing"), value=row.id)
    kind = EXPORTS[out.suffix.lower()]
    size = dict(zip(("width", "height"), exports.SCREEN, strict=True))
    wished = {"what": "briefing", "format": kind, "link": base, **size}
    wished |= exports.of_briefing(edition, row.version, kind)
    with Shown() as progress:
        content = exports.make(edition, wished, progress)
    out.parent.mkdir(parents=True, exist_ok=True)
    errands.write(out, content)
    tell(say("cli.briefing_written", file=out))


@bangfu.command(help=say("cli.bench"), short_help=say("cli.bench_short"))
@click.option(
    "--villages",
    "sizes",
    type=click.IntRange(100, 1_000_000),
    multiple=True,
    default=(3520, 35_200),
    metavar="N",
    help=say("cli.bench_villages"),
)
@click.option(
    "--json",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help=say("cli.bench_json"),
)
def bench(sizes: tuple[int, ...], file: Path | None) -> None:
    """Measure, show tables, write JSON."""
    try:
        from dashboard import bench as benchmarks
    except ModuleNotFoundError as error:
        raise AtlasError(
            say("cli.bench_lacks"), value=error.name, cure=say("cli.bench_lacks_cure")
        ) from error
    with Shown() as progress:
        report = benchmarks.run(sizes, progress)
    console = Console()
    for name, rows in report.items():
        if isinstance(rows, list) and rows:
            console.print(table(name, rows))
    text = json.dumps(report, ensure_ascii=False, indent=1)
    if file is None:
        click.echo(text)
    else:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n", "utf-8")
        tell(say("cli.report_written", file=file))


def main(arguments: list[str] | None = None) -> None:
    """Run a command and leave with 0 (done), 1 (data or request at fault) or 2 (usage).

    What is at fault is a sentence on stderr; a traceback means that the program is.
    """
    with _sentences():
        bangfu.main(args=arguments, prog_name="bangfu", standalone_mode=False)


@contextlib.contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except AtlasError as error:
        tell(say("cli.fault", sentence=error))
        raise SystemExit(AT_FAULT) from None
    except click.exceptions.NoArgsIsHelpError as error:
        tell(error.format_message())  # a group alone says what there is
        raise SystemExit(USAGE) from None
    except click.UsageError as error:
        tell(say("cli.wrong_usage", sentence=usage(error)))
        raise SystemExit(USAGE) from None
    except (click.exceptions.Abort, KeyboardInterrupt):
        tell(say("cli.stopped"))
        raise SystemExit(128 + signal.SIGINT) from None
    except BrokenPipeError:
        # Whoever read our output has seen enough; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(DONE) from None
    except OSError as error:
        tell(say("cli.system", file=error.filename or "", reason=reason(error)))
        raise SystemExit(AT_FAULT) from None


def usage(error: click.UsageError) -> str:
    """What is wrong with the command line, in Chinese: click tells the parts, not the words."""
    command = error.ctx.command_path if error.ctx else "bangfu"
    see = say("cli.see_help", command=command)
    if isinstance(error, click.NoSuchOption):
        return say("cli.no_option", name=error.option_name, see=see)
    if isinstance(error, click.MissingParameter) and error.param is not None:
        name = error.param.metavar or error.param.opts[0]
        return say("cli.missing", name=name, see=see)
    if isinstance(error, click.BadParameter) and error.param is not None:
        word = error.param.opts[0]
        name = word if word.startswith("-") else error.param.metavar or word
        return say("cli.bad_value", name=name, form=_form(error.param.type), see=see)
    if isinstance(error, click.NoSuchCommand):
        return say("cli.no_command", name=error.command_name, see=see)
    return say("cli.usage_other", see=see)


def _form(kind: click.ParamType[Any]) -> str:
    own = getattr(kind, "form", "")  # of a type of our own
    if own:
        return str(own)
    if isinstance(kind, click.Choice):
        return say("cli.form_choice", names="、".join(map(str, kind.choices)))
    if isinstance(kind, click.IntRange):
        return say("cli.form_range", low=kind.min, high=kind.max)
    if isinstance(kind, click.Path):
        return say("cli.form_file" if not kind.dir_okay else "cli.form_folder")
    return say("cli.form_integer")


if __name__ == "__main__":
    main()
