"""Pages that anybody reads: real text for every region, without a script and without a server."""
