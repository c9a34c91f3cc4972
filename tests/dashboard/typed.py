"""A command as somebody types it."""

from __future__ import annotations

import pytest

from dashboard import cli


def run(*arguments: object, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    code: object = 0
    try:
        cli.main([str(one) for one in arguments])
    except SystemExit as left:
        code = left.code
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return int(code or 0), out, err  # type: ignore[call-overload]
