"""Findings for people and programs: a terminal table, HTML, JSON and a workbook."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from geodata.errors import AtlasError, reason
from geodata.findings import Finding
from geodata.vocabulary import Severity
from geodata.words import say
from geodata.world import Input, World

_COLUMNS = ("severity", "file", "place", "value", "message", "cure")
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}
_CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]"
)

Subject = World | Sequence[Finding]


def findings_of(subject: Subject) -> tuple[Finding, ...]:
    """The findings of a world, or the findings themselves."""
    return subject.findings if isinstance(subject, World) else tuple(subject)


def counts(findings: Sequence[Finding]) -> dict[Severity, int]:
    """How many findings of each severity, none left out."""
    return {kind: sum(found.severity is kind for found in findings) for kind in Severity}


def summary(subject: Subject) -> str:
    """One sentence: how many errors, warnings and notes."""
    number = counts(findings_of(subject))
    return say(
        "report.summary",
        errors=number[Severity.ERROR],
        warnings=number[Severity.WARNING],
        notes=number[Severity.NOTE],
    )


def terminal(subject: Subject, *, notes: bool = False) -> RenderableType:
    """Findings as a table for a terminal, the sentence below; notes only when asked for."""
    shown = [f for f in findings_of(subject) if notes or f.severity is not Severity.NOTE]
    told = Text(summary(subject))
    if not shown:
        return told
    table = Table(show_lines=False, pad_edge=False, expand=False)
    for column in _COLUMNS:
        table.add_column(say(f"report.{column}"), overflow="fold")
    for found in shown:
        style = _STYLES[found.severity]
        table.add_row(
            Text(say(f"report.level.{found.severity.value}"), style=style),
            *(Text(_clean(text)) for text in _cells(found)),
        )
    return Group(table, told)


def as_text(subject: Subject, *, notes: bool = False, width: int = 160) -> str:
    """What `terminal` shows, without colours."""
    stream = io.StringIO()
    Console(file=stream, width=width, color_system=None).print(terminal(subject, notes=notes))
    return stream.getvalue()


def as_json(subject: Subject) -> str:
    """Findings (and inputs, if a world is given) as JSON."""
    found = findings_of(subject)
    number = counts(found)
    content: dict[str, object] = {
        "counts": {kind.value: number[kind] for kind in Severity},
        "findings": [
            {
                "severity": one.severity.value,
                "code": one.code,
                "file": one.file,
                "place": one.place,
                "value": one.value,
                "message": one.message,
                "cure": one.cure,
                "rows": one.rows,
            }
            for one in found
        ],
    }
    if isinstance(subject, World):
        content["inputs"] = [dict(vars(one)) for one in subject.inputs]
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


_STYLE = """
body{font:15px/1.6 "Noto Sans CJK SC","Source Han Sans SC","Microsoft YaHei",sans-serif;
margin:2rem auto;max-width:76rem;padding:0 1rem;color:#1c2733;background:#fff}
h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}
p{margin:.25rem 0 1rem;color:#51606e}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid #dbe1e7;
overflow-wrap:anywhere}
th{white-space:nowrap;border-bottom:2px solid #8896a4}td.n{text-align:right}
.error{color:#a8201a;font-weight:600}.warning{color:#8a5a00;font-weight:600}.note{color:#51606e}
@media print{body{margin:0;max-width:none;font-size:10pt}tr{break-inside:avoid}
thead{display:table-header-group}.scroll{overflow:visible}}
"""


def as_html(subject: Subject, title: str = "") -> str:
    """Findings as one self-contained page that prints well; everything is escaped."""
    found = findings_of(subject)
    heading = say("report.title")
    if isinstance(subject, World):
        title = title or subject.space.atlas.title
    parts = [
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{escape(f'{heading} {title}'.strip())}</title><style>{_STYLE}</style></head>",
        f"<body><h1>{escape(heading)}</h1><p>{escape(title)} {escape(summary(subject))}</p>",
    ]
    for kind in Severity:
        some = [one for one in found if one.severity is kind]
        if some:
            level = say(f"report.level.{kind.value}")
            parts.append(f'<h2 class="{kind.value}">{escape(level)} {len(some)}</h2>')
            headings = [say(f"report.{column}") for column in _COLUMNS[1:]]
            parts.append(_html_table(headings, [_cells(one) for one in some]))
    if isinstance(subject, World) and subject.inputs:
        parts.append(f"<h2>{escape(say('report.inputs'))}</h2>")
        headings = [say(f"report.input.{name}") for name in _INPUT]
        parts.append(_html_table(headings, [_input_cells(one) for one in subject.inputs]))
    return "".join([*parts, "</body></html>\n"])


_INPUT = ("file", "rows", "used", "reported", "sha256")


def _input_cells(one: Input) -> list[str]:
    return [one.file, str(one.rows), str(one.used), str(one.reported), one.sha256]


def _html_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in headings)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_clean(text))}</td>" for text in row) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def as_workbook(subject: Subject) -> bytes:
    """Findings as .xlsx; no cell can be taken for a formula."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    _fill(
        sheet,
        say("report.title"),
        [say(f"report.{column}") for column in _COLUMNS],
        [[say(f"report.level.{one.severity.value}"), *_cells(one)] for one in findings_of(subject)],
        (8, 32, 26, 24, 60, 50),
    )
    if isinstance(subject, World):
        _fill(
            book.create_sheet(),
            say("report.inputs"),
            [say(f"report.input.{name}") for name in _INPUT],
            [_input_cells(one) for one in subject.inputs],
            (40, 10, 10, 10, 66),
        )
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _fill(
    sheet: object, title: str, headings: list[str], rows: list[list[str]], widths: tuple[int, ...]
) -> None:
    """Write text cells under a frozen heading row."""
    sheet.title = title  # type: ignore[attr-defined]
    for number, row in enumerate([headings, *rows], start=1):
        for column, text in enumerate(row, start=1):
            cell = sheet.cell(number, column)  # type: ignore[attr-defined]
            cell.value = _clean(text)[:32767]
            # A text that begins like a formula stays a text, also when it is copied elsewhere.
            cell.data_type = "s"
            cell.quotePrefix = text[:1] in ("=", "+", "-", "@", "\t", "\r")
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if number == 1:
                cell.font = Font(bold=True)
    for width, letter in zip(widths, "ABCDEF", strict=False):
        sheet.column_dimensions[letter].width = width  # type: ignore[attr-defined]
    sheet.freeze_panes = "A2"  # type: ignore[attr-defined]


def _cells(found: Finding) -> list[str]:
    return [found.file, found.place, found.value, found.message, found.cure]


def _clean(text: str) -> str:
    """Without control characters, which neither workbooks nor terminals bear."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def write_report(path: Path, subject: Subject) -> Path:
    """Write a report in the form that the file's suffix names: .html, .json or .xlsx.

    Raises
    ------
    AtlasError : another suffix, or the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in (".html", ".htm"):
        content = as_html(subject).encode("utf-8")
    elif suffix == ".json":
        content = as_json(subject).encode("utf-8")
    elif suffix == ".xlsx":
        content = as_workbook(subject)
    else:
        raise AtlasError(
            say("report.suffix"), file=str(path), value=path.suffix, cure=say("report.suffix_cure")
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise AtlasError(
            say("report.unwritable"), file=str(path), value=reason(error),
            cure=say("report.unwritable_cure"),
        ) from error  # fmt: skip
    return path
