"""What can be drawn: pure descriptions of maps, legends, charts and pages; no web, no state."""
