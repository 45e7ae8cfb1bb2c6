"""Is the data what it says, cell by cell: named checks over any `Market`, and why a stock is not in the universe.

`market.checks` refuses what cannot be worked with, quickly; this room looks at every session and stock, counts each
kind of flaw, lists where it is, and says which counts are above what the settings allow. It needs adjusted bars and the
universe's rules, hence lies above `features`; nothing above it but the stages reads it.

    >>> from fusion_factor.quality import inspect
    >>> inspect(market).summary["above"]  # doctest: +SKIP
    []
"""

from fusion_factor.quality.catalogue import CHECKS, Check
from fusion_factor.quality.exclusions import REASONS, exclusions
from fusion_factor.quality.flaws import Flaws
from fusion_factor.quality.inspection import Inspection, inspect
from fusion_factor.quality.settings import SEVERITIES, CheckSettings, QualitySettings
from fusion_factor.quality.subject import Subject

__all__ = [
    "CHECKS",
    "REASONS",
    "SEVERITIES",
    "Check",
    "CheckSettings",
    "Flaws",
    "Inspection",
    "QualitySettings",
    "Subject",
    "exclusions",
    "inspect",
]
