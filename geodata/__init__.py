"""What is true: sources, checks, joins, shapes, measures and editions; no drawing, no web."""
