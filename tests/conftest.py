"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# A shared machine stalls now and then: no test is timed. Failing examples are printed whole.
settings.register_profile("house", deadline=None, print_blob=True)
settings.load_profile("house")
