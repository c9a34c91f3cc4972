"""Where a row of the ledger lies, by the edition that is current.

The ledger outlives editions: a village that the present one does not know is shown by its code.
"""

from __future__ import annotations

from geodata.edition import Edition, Region
from geodata.errors import BadRequest, UnknownName
from geodata.words import say


def village(edition: Edition, code: object) -> Region:
    """The leaf with a code.

    Raises
    ------
    UnknownName : there is no such region.
    BadRequest : it is no code, or that of a region above the leaves.
    """
    if not isinstance(code, str) or not code:
        raise BadRequest(say("visit.no_village"), cure=say("visit.no_village_cure"))
    found = edition.region(code)
    if found.level != edition.space.leaf.id:
        raise BadRequest(
            say("visit.not_leaf", level=edition.space.leaf.label),
            value=code,
            cure=say("visit.no_village_cure"),
        )
    return found


def district(edition: Edition, region: Region) -> Region:
    """The district that a region lies in (or is): the level that officers answer for."""
    level = edition.space.district.id
    path = (*edition.ancestors(region.code), region)
    return next((one for one in path if one.level == level), path[0])


def name(edition: Edition, code: str) -> str:
    """The name of a region, or its code when the edition does not know it."""
    try:
        return edition.region(code).name
    except UnknownName:
        return code


def path(edition: Edition, code: str) -> str:
    """Names of the regions between the root and a leaf, in a row; "" for an unknown code."""
    try:
        return " ".join(one.name for one in edition.ancestors(code)[1:])
    except UnknownName:
        return ""
