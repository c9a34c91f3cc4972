"""What commands are made of: help in Chinese, the folder they work on, sentences for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from geodata.words import say

DONE, AT_FAULT, USAGE = 0, 1, 2
"""What a command leaves with."""


class ChineseFormatter(click.HelpFormatter):
    """Help with Chinese headings: click's own come from a catalogue that has no Chinese."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """The usage line."""
        shown = args.replace("[OPTIONS]", say("cli.word_options"))
        shown = shown.replace("COMMAND [ARGS]...", say("cli.word_command"))
        super().write_usage(prog, shown, prefix or say("cli.usage"))

    def write_heading(self, heading: str) -> None:
        """A heading of a list."""
        key = {"Options": "cli.options", "Commands": "cli.commands"}.get(heading)
        super().write_heading(say(key) if key else heading)

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """A list of options or commands."""
        word = say("cli.word_required")
        shown = [(term, text.replace("[required]", word)) for term, text in rows]
        super().write_dl(shown, col_max, col_spacing)


class ChineseContext(click.Context):
    """A context whose help is Chinese."""

    formatter_class = ChineseFormatter


class ChineseCommand(click.Command):
    """A command with Chinese help."""

    context_class = ChineseContext

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """`--help`, described in Chinese."""
        return _in_chinese(super().get_help_option(ctx))


class ChineseGroup(click.Group):
    """A group with Chinese help.

    Parameters
    ----------
    later : name -> module of commands that are read when they are asked for, each under its name:
        serving the public loads no database.
    """

    context_class = ChineseContext
    command_class = ChineseCommand

    def __init__(self, *args: Any, later: Mapping[str, str] | None = None, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._later = later or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all, read or not."""
        return sorted({*super().list_commands(ctx), *self._later})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by its name, or None."""
        found = super().get_command(ctx, cmd_name)
        if found is None and cmd_name in self._later:
            found = getattr(import_module(self._later[cmd_name]), cmd_name)
            self.add_command(found, cmd_name)
        return found

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """`--help`, described in Chinese."""
        return _in_chinese(super().get_help_option(ctx))


def _in_chinese(option: click.Option | None) -> click.Option | None:
    if option is not None:
        option.help = say("cli.help")
    return option


folder = click.argument(
    "folder", metavar=say("cli.word_folder"), type=click.Path(path_type=Path, file_okay=False)
)


def tell(text: str) -> None:
    """A sentence for the person at the terminal, on stderr: stdout is for results."""
    click.echo(text, err=True)
