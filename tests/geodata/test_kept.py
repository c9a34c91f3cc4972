"""What one process remembers, another one knows."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from geodata import kept, state
from geodata.kept import KeptError


def test_the_last_text_under_a_name_is_remembered(tmp_path: Path) -> None:
    assert kept.recalled(tmp_path, "briefing", "year") is None
    assert list(tmp_path.iterdir()) == []
    state.set_current(tmp_path, "e" * 16)
    assert kept.recalled(tmp_path, "briefing", "year") is None
    for said in ("一", "二", "二"):
        kept.keep(tmp_path, "briefing", "year", said)
        assert kept.recalled(tmp_path, "briefing", "year") == said
    assert kept.recalled(tmp_path, "other", "year") is None
    assert kept.recalled(tmp_path, "briefing", "month") is None
    assert state.current(tmp_path) is not None


def test_what_cannot_be_kept_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> sqlite3.Connection:
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(sqlite3, "connect", refused)
    with pytest.raises(KeptError, match="readonly"):
        kept.keep(tmp_path, "briefing", "year", "一")
