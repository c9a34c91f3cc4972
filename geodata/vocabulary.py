"""The domain's words: the closed sets that workspaces, editions and screens share."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Theme(StrEnum):
    """What a measure is about."""

    COVERAGE = "coverage"
    GAPS = "gaps"
    PROGRESS = "progress"


class Rule(StrEnum):
    """How a measure rolls up the tree; numerator and denominator are kept at every level."""

    SUM = "sum"
    MEAN = "mean"
    WEIGHTED_MEAN = "weighted_mean"
    SHARE_OF_VILLAGES = "share_of_villages"
    SHARE_OF_TARGETS = "share_of_targets"

    @property
    def is_share(self) -> bool:
        """Whether a value is numerator / denominator x 100."""
        return self in (Rule.SHARE_OF_VILLAGES, Rule.SHARE_OF_TARGETS)


class Base(StrEnum):
    """The leaves that a measure speaks about."""

    VILLAGES = "villages"
    TARGETS = "targets"


class Direction(StrEnum):
    """Whether more is better (`more`), worse (`less`) or neither (`none`)."""

    MORE = "more"
    LESS = "less"
    NONE = "none"


class IndicatorType(StrEnum):
    """What a file may hold for an indicator."""

    NUMBER = "number"
    COUNT = "count"
    FLAG = "flag"


class Status(IntEnum):
    """Where a value comes from; the integers are the bytes of the value arrays.

    `OUT_OF_SCOPE`: the region is not in the measure's base (a village that is no target).
    `MISSING`: it is in the base and nothing usable was reported. Missing is not zero.
    `PARTIAL`: some, not all, of the leaves in the base reported.
    `SUPPRESSED`: there is a value, and it is not published since it would count too few people.
    """

    OUT_OF_SCOPE = 0
    MISSING = 1
    SELF_REPORTED = 2
    VERIFIED = 3
    PARTIAL = 4
    SUPPRESSED = 5

    @property
    def word(self) -> str:
        """The status as APIs and files spell it."""
        return self.name.lower()


class Severity(StrEnum):
    """How bad a finding is: an error stops the build, a warning is carried into the edition."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class SourceKind(StrEnum):
    """What a declared source holds."""

    BOUNDARIES = "boundaries"
    REGIONS = "regions"
    TABLE = "table"
    ENTITIES = "entities"
