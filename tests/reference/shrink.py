"""A case that shows a difference, made small: parameters and rows that the difference does not need are left out."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from reference.random_cases import Case


def shrunk(case: Case, differs: Callable[[Case], bool], budget: int = 400) -> Case:
    """The smallest case found that still differs, after at most `budget` looks; parameters first, then rows.

    Rows go in halves, quarters and so on down to single ones (delta debugging, Zeller and Hildebrandt 2002).
    """
    looks = 0
    progress = True
    while progress:
        progress = False
        for smaller in _smaller(case):
            looks += 1
            if looks > budget:
                return case
            if differs(smaller):
                case, progress = smaller, True
                break
    return case


def _smaller(case: Case) -> Iterator[Case]:
    for name in case.params:
        if name != "kind":
            yield replace(case, params={key: value for key, value in case.params.items() if key != name})
    size = max((len(rows) for rows in case.tables.values()), default=0)
    while size >= 1:
        for name, rows in case.tables.items():
            if len(rows) < size:
                continue
            for first in range(0, len(rows), size):
                left = rows[:first] + rows[first + size :]
                if left:  # a table without rows has lost its columns
                    yield replace(case, tables=case.tables | {name: left})
        size //= 2
