"""One catalogue of sentences: every key that the code uses is there, and none is left over."""

import re
from pathlib import Path

import pytest

from geodata import words

ROOT = Path(__file__).parents[2]
ROOMS = ("geodata", "layers", "callbacks", "dashboard")
SCRIPT_SECTIONS = ("portal", "map")
"""Sections that the browser's script is given whole."""

_CALL = re.compile(r"""\bsay\(\s*(f?)"([^"]+)\"""")


def calls() -> list[tuple[str, str, bool]]:
    """Every literal key given to `say` in the code: file, key, whether it is a template."""
    found = []
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for template, key in _CALL.findall(path.read_text("utf-8")):
                found.append((str(path.relative_to(ROOT)), key, bool(template)))
    return found


def test_every_key_that_the_code_uses_is_in_the_catalogue() -> None:
    keys = words.catalogue()
    missing = []
    for file, key, template in calls():
        if template:
            pattern = re.sub(r"\{[^}]*\}", "\0", key)
            pattern = re.escape(pattern).replace("\0", ".+")
            if not any(re.fullmatch(pattern, name) for name in keys):
                missing.append((file, key))
        elif key not in keys:
            missing.append((file, key))
    assert missing == []


def test_an_unknown_key_is_an_error_not_a_silent_gap() -> None:
    with pytest.raises(KeyError):
        words.say("workspace.no_such_sentence")


def test_a_section_is_given_to_the_script_without_its_name() -> None:
    assert words.section("period")["year"] == "{year}年"


def test_braces_in_the_catalogue_are_balanced() -> None:
    for key, text in words.catalogue().items():
        assert text.count("{") == text.count("}"), key
