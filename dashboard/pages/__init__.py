"""Layouts of the screens; ids only, no callbacks."""
