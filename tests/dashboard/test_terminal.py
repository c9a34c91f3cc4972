"""Progress as people see it."""

from __future__ import annotations

import io

from rich.console import Console

from dashboard.terminal import Shown
from geodata.progress import Progress


def shown(terminal: bool) -> str:
    text = io.StringIO()
    with Shown(Console(file=text, force_terminal=terminal, width=100)) as progress:
        steps: Progress = progress
        with steps.step("读文件", total=3) as advance:
            for _ in range(3):
                advance(1)
        with steps.step("[算] 指标"):
            pass
    return text.getvalue()


def test_a_terminal_has_bars() -> None:
    assert "读文件" in shown(True)
    assert "3/3" in shown(True)


def test_a_log_has_a_line_when_a_step_begins_and_one_when_it_ends() -> None:
    lines = shown(False).splitlines()
    assert lines[0] == "读文件……"
    assert lines[1].startswith("读文件：完成")
    assert lines[2] == "[算] 指标……", "brackets are text, not markup"
    assert len(lines) == 4
