"""The README documents every key of atlas.toml and of a briefing, every setting and command.

`python -m tests.test_readme` writes its tables anew.
"""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from dashboard.cli import bangfu
from dashboard.settings import PREFIX, Settings
from geodata.workspace import keys
from layers.briefing import declare as briefing

README = Path(__file__).resolve().parent.parent / "README.md"


def key_rows() -> list[str]:
    """A line for each key of atlas.toml."""
    return [f"| `{key}` | {_cell(text)} |" for key, text in keys().items()]


def briefing_rows() -> list[str]:
    """A line for each key of a briefing file."""
    return [f"| `{key}` | {_cell(text)} |" for key, text in briefing.keys().items()]


def setting_rows() -> list[str]:
    """A line for each setting: variable, default, what it is for."""
    return [
        f"| `{PREFIX}{name.upper()}` | {_default(field.default)} | {_cell(field.description)} |"
        for name, field in Settings.model_fields.items()
    ]


def _default(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`" if text else "-"


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


@pytest.mark.parametrize("row", key_rows(), ids=lambda row: row.split("`")[1])
def test_every_key_of_atlas_toml_is_documented(row: str) -> None:
    assert row in README.read_text("utf-8").splitlines(), "python -m tests.test_readme"


def test_the_keys_of_a_briefing_are_those_that_there_are() -> None:
    held = _between(README.read_text("utf-8"), "briefing").strip().splitlines()
    assert held[2:] == briefing_rows(), "python -m tests.test_readme"


@pytest.mark.parametrize("row", setting_rows(), ids=lambda row: row.split("`")[1])
def test_every_setting_is_documented(row: str) -> None:
    assert row in README.read_text("utf-8").splitlines(), "python -m tests.test_readme"


def test_nothing_is_documented_that_is_not_there() -> None:
    text = README.read_text("utf-8")
    found = set(re.findall(r"^\| `([^`]+)` \|", _between(text, "keys"), re.MULTILINE))
    assert found == set(keys())
    assert set(re.findall(rf"{PREFIX}[A-Z_]+", text)) <= {
        f"{PREFIX}{name.upper()}" for name in Settings.model_fields
    }


def test_every_command_and_option_is_documented() -> None:
    text = README.read_text("utf-8")
    context = click.Context(bangfu)
    for name in bangfu.list_commands(context):
        command = bangfu.get_command(context, name)
        assert command is not None and f"`bangfu {name}" in text, name
        for option in command.params:
            for word in option.opts:
                if word.startswith("--"):
                    assert word in text, f"{name} {word}"


def _between(text: str, name: str) -> str:
    return text.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->", maxsplit=1)[0]


def _rewrite() -> None:
    text = README.read_text("utf-8")
    tables = {
        "keys": ["| key | what it is |", "|---|---|", *key_rows()],
        "briefing": ["| key | what it is |", "|---|---|", *briefing_rows()],
        "settings": ["| variable | default | what it is |", "|---|---|---|", *setting_rows()],
    }
    for name, rows in tables.items():
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        held = begin + _between(text, name) + end
        text = text.replace(held, "\n".join([begin, *rows, end]))
    README.write_text(text, "utf-8")


if __name__ == "__main__":
    _rewrite()
