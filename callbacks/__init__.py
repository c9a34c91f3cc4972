"""Callbacks: what happens on a screen; thin Dash wiring around layers and geodata."""
