"""Every sentence people read, in one catalogue a language: `words/<language>/<section>.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

DEFAULT_LANGUAGE = "zh"


@cache
def catalogue(language: str = DEFAULT_LANGUAGE) -> dict[str, str]:
    """All strings of a language as flat keys: `section.key` or `section.table.key`."""
    flat: dict[str, str] = {}

    def walk(prefix: str, table: dict[str, object]) -> None:
        for key, value in table.items():
            name = f"{prefix}.{key}"
            if isinstance(value, dict):
                walk(name, value)
            else:
                flat[name] = str(value)

    folder = files("geodata.words").joinpath(language)
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".toml"):
            walk(entry.name.removesuffix(".toml"), tomllib.loads(entry.read_text("utf-8")))
    return flat


def say(key: str, /, **values: object) -> str:
    """The sentence behind `key`, with `{names}` filled in.

    Raises
    ------
    KeyError : when the catalogue has no such key (a test walks all keys that the code uses).
    """
    return catalogue()[key].format(**values)


def section(name: str) -> dict[str, str]:
    """All strings of one section, keyed without it: what the browser's script is given."""
    return {
        key.removeprefix(name + "."): text
        for key, text in catalogue().items()
        if key.startswith(name + ".")
    }
