"""A fast implementation against the reference on one case: cases in, one line about what differs out.

The implementation under test comes in as a function; a case that differs is made small, written as a case folder
(what the reference expects in `expected/`) and named in the line.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from .case_folders import differences, write_case
from .kinds import run
from .random_cases import Case
from .refusal import BadInput, problems
from .shrink import shrunk

NO_SIGNAL = "no signal session between start and end"
Fast = Callable[[Case], dict[str, Any] | str]


def text_frame(rows: list[dict[str, str]]) -> pd.DataFrame:
    """A table as a CSV file of it reads with every column as text."""
    frame = pd.DataFrame(rows, dtype=str)
    return frame.mask(frame.isin(["", "NaN"]))


def plain_cell(value: Any) -> Any:
    """One cell of a result as the reference writes it: dates as text, missing as None, numbers of Python."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    value = value.item() if hasattr(value, "item") else value
    return None if value != value else value


def plain(content: pd.DataFrame | dict[str, Any]) -> list[dict[str, Any]] | dict[str, Any]:
    if isinstance(content, dict):
        return content
    columns = [str(column) for column in content.columns]
    return [
        {column: plain_cell(value) for column, value in zip(columns, cells, strict=True)}
        for cells in content.itertuples(index=False, name=None)
    ]


def slow(case: Case) -> tuple[dict[str, Any] | None, list[str]]:
    """Return (outputs or None, words that a refusal must contain)."""
    wanted, reason = None, ""
    try:
        wanted = run(case.kind, case.params, case.tables)
    except BadInput as refusal:
        reason = str(refusal)
    if wanted is None:
        assert case.words or reason == NO_SIGNAL, f"case {case.seed} was meant to be good: {reason}"
        return None, case.words or [NO_SIGNAL]
    assert not case.words, f"case {case.seed}: the reference does not refuse {case.words}"
    return wanted, []


def still_differs(case: Case, fast: Fast, refused: bool = False) -> bool:
    """Whether a good case is good still and gives another result than the reference, or is (still) `refused`."""
    if problems(case.kind, case.params, case.tables) is not None:
        return False
    found = fast(case)
    if refused or isinstance(found, str):
        return refused and isinstance(found, str)
    return bool(differences(run(case.kind, case.params, case.tables), found))


def compare(case: Case, folder: Path, fast: Fast) -> str | None:
    """One line about the difference, with the case written to `folder`; None when both agree."""
    wanted, words = slow(case)
    found = fast(case)
    if wanted is None:
        if isinstance(found, str) and all(word in found for word in words):
            return None
        wanted = {"error.json": {"contains": words}}
        wrong = [f"a refusal with {words} wanted, found {found if isinstance(found, str) else 'results'}"]
    elif isinstance(found, str):
        wrong = [f"results wanted, refused with: {found}"]
    else:
        wrong = differences(wanted, found)
    if not wrong:
        return None
    if not case.words:
        case = shrunk(case, lambda smaller: still_differs(smaller, fast, isinstance(found, str)))
        wanted = run(case.kind, case.params, case.tables)
    write_case(folder, case.params, case.tables, wanted)
    return f"seed {case.seed} ({case.kind}), {len(wrong)} differences, case folder {folder}: " + " | ".join(wrong[:3])
