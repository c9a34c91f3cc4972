"""From what is known to what is published: the gate, the public edition, the record of both."""
