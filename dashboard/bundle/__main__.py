"""`python -m dashboard.bundle WORKSPACE OUT`: the current edition as a bundle, without the gate.

For development: it publishes everything that the edition has. `bangfu publish` asks the gate.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dashboard.bundle import budget, write
from dashboard.commands import AT_FAULT, DONE, USAGE, tell
from dashboard.terminal import Shown
from geodata.edition import Edition
from geodata.errors import AtlasError
from geodata.words import say


def main(arguments: list[str]) -> int:
    """Write the bundle; returns the exit code."""
    if len(arguments) != 2:
        tell(say("bundle.usage"))
        return USAGE
    workspace, out = map(Path, arguments)
    try:
        with Shown() as progress:
            manifest = write(Edition.open(workspace), out, progress=progress)
    except AtlasError as error:
        tell(str(error))
        return AT_FAULT
    first = budget.first_map(manifest)
    tell(
        say(
            "bundle.done",
            folder=out,
            files=len(manifest.files),
            size=manifest.size / 1e6,
            first=sum(size for _, size in first) / 1000,
        )
    )
    return DONE


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
