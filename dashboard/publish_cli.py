"""`bangfu publish`: the gate and what comes after it, from a terminal."""

from __future__ import annotations

import json
from contextlib import nullcontext
from html import escape
from pathlib import Path
from typing import Any

import click

from dashboard.commands import AT_FAULT, ChineseCommand, folder, tell
from dashboard.publications import alone
from dashboard.publish_report import Section, sections
from dashboard.terminal import Shown
from dashboard.user_cli import ledger_of, opened
from geodata.edition import Edition
from geodata.errors import AtlasError, BadRequest, reason
from geodata.ledger.roles import TERMINAL
from geodata.words import say

REPORTS = (".json", ".html")


class Acceptance(click.ParamType[tuple[str, str]]):
    """`measure=reason`."""

    name = "acceptance"
    form = say("publish.cli.form_accept")

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """The two parts; neither may be empty."""
        if isinstance(value, tuple):
            return value
        measure, _, why = str(value).partition("=")
        if not measure.strip() or not why.strip():
            raise click.BadParameter(say("publish.cli.form_accept"), ctx=ctx, param=param)
        return measure.strip(), why.strip()


@click.command(
    "publish",
    cls=ChineseCommand,
    help=say("publish.cli.about"),
    short_help=say("publish.cli.short"),
)
@folder
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="OUT",
    help=say("publish.cli.out"),
)
@click.option("--demo", is_flag=True, help=say("publish.cli.demo"))
@click.option(
    "--accept",
    type=Acceptance(),
    multiple=True,
    metavar="MEASURE=REASON",
    help=say("publish.cli.accept"),
)
@click.option("--dry-run", is_flag=True, help=say("publish.cli.dry_run"))
@click.option("--page", "pages", multiple=True, metavar="MEASURE", help=say("publish.cli.page"))
@click.option("--withdraw", default="", metavar="MEASURE", help=say("publish.cli.withdraw"))
@click.option("--reason", "why", default="", metavar="TEXT", help=say("publish.cli.reason"))
@click.option("--lift", default="", metavar="MEASURE", help=say("publish.cli.lift"))
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help=say("publish.cli.report"),
)
def publish(
    folder: Path,
    out: Path | None,
    demo: bool,
    accept: tuple[tuple[str, str], ...],
    dry_run: bool,
    pages: tuple[str, ...],
    withdraw: str,
    why: str,
    lift: str,
    report: Path | None,
) -> None:
    """Publish the current edition, or say why not; the public edition's id is the last line."""
    from dashboard import publishing
    from geodata.publish.protect import protector

    # Before the work, as with other reports.
    if report is not None and report.suffix.lower() not in REPORTS:
        raise AtlasError(
            say("publish.cli.report_suffix"),
            value=report.name,
            cure=say("publish.cli.report_suffix_cure"),
        )
    if withdraw and lift:
        raise BadRequest(say("publish.cli.one_at_a_time"))
    if withdraw and not why.strip():
        raise BadRequest(say("publish.cli.needs_reason"), cure=say("publish.cli.needs_reason_cure"))
    wished = publishing.Wished(
        accept_demo=demo,
        accepted=dict(accept),
        out=out,
        withdraw=withdraw,
        lift=lift,
        why=why,
        pages=pages,
        dry=dry_run,
    )
    Edition.open(folder)  # before a ledger is made where there is no edition
    book = ledger_of(folder) if dry_run else opened(folder, create=True)
    try:
        with nullcontext() if dry_run else alone(folder), Shown() as progress:
            outcome = publishing.publish(
                folder, book, TERMINAL, wished, protect=protector(progress), progress=progress
            )
    finally:
        book.dispose()
    edition = Edition.open(folder, outcome.edition)
    parts = tuple(sections(edition, outcome.gate))
    for heading, lines in parts:
        click.echo(heading)
        for line in lines:
            click.echo(say("publish.cli.line", text=line))
    if report is not None:
        _write_report(report, outcome.as_dict(), parts, dry_run)
        tell(say("cli.report_written", file=report))
    if not outcome.gate.allowed:
        tell(say("publish.cli.refused", count=len(outcome.gate.refusals)))
        if withdraw and not dry_run:
            tell(say("publish.cli.still_there", measure=withdraw))
        raise SystemExit(AT_FAULT)
    if dry_run:
        tell(say("publish.cli.dry"))
        return
    tell(say("publish.cli.done", folder=outcome.folder))
    for name in pages:
        home = (out or outcome.folder or folder) / publishing.PAGES
        tell(say("publish.cli.page_done", file=home / f"{name}.html"))
    if out is not None:
        tell(say("publish.cli.out_done", out=out))
    else:
        tell(say("publish.cli.upload"))
    click.echo(outcome.public)


def _write_report(file: Path, told: dict[str, Any], parts: tuple[Section, ...], dry: bool) -> None:
    if file.suffix.lower() == ".json":
        text = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
    else:
        text = _page(told, parts, dry)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    except OSError as error:
        raise AtlasError(reason(error), file=str(file)) from error


def _page(told: dict[str, Any], parts: tuple[Section, ...], dry: bool) -> str:
    """The report as one page without scripts."""
    title = escape(say("publish.cli.report_title"))
    state = "no" if not told["allowed"] else "would" if dry else "yes"
    facts = [say(f"publish.cli.report_state_{state}")]
    facts.append(say("publish.cli.report_edition", edition=told["edition"]))
    if told["public"]:
        facts.append(say("publish.cli.report_public", public=told["public"]))
    body = "".join(
        f"<h2>{escape(heading)}</h2><ul>"
        + "".join(f"<li>{escape(line)}</li>" for line in lines)
        + "</ul>"
        for heading, lines in parts
    )
    style = "body{font:16px/1.6 sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}"
    return (
        f'<!doctype html><html lang="{say("layers.page.language")}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{style}</style></head><body><main><h1>{title}</h1>"
        f"<p>{escape(' · '.join(facts))}</p>{body}</main></body></html>\n"
    )
