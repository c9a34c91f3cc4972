"""Small numbers: which cells are not published, so that nobody can work them out.

`tables` says what is a sum of what, `suppress` chooses the cells that are hidden with the least
loss, `audit` attacks the choice. The words are those of statistical disclosure control: a cell
that is too small is hidden by *primary* suppression; others must go with it (*complementary*), so
that what an attacker can say of any hidden number is an interval wider than the *protection*.
"""

from geodata.publish.disclosure.audit import audit
from geodata.publish.disclosure.result import Exposed, Intervals, Pattern
from geodata.publish.disclosure.suppress import Overtime, suppress
from geodata.publish.disclosure.tables import (
    Before,
    Column,
    Tables,
    assemble,
    from_edition,
    kinds,
)

__all__ = [
    "Before",
    "Column",
    "Exposed",
    "Intervals",
    "Overtime",
    "Pattern",
    "Tables",
    "assemble",
    "audit",
    "from_edition",
    "kinds",
    "suppress",
]
