"""The reference reproduces every worked example of the kinds it knows."""

from pathlib import Path

import pytest

from reference import problems, run
from reference.case_folders import differences, read_case, read_expected

KINDS = ("rotation", "stock_portfolio", "metrics", "limits", "industry_factors")


def test_every_worked_example(shared_cases: Path) -> None:
    folders = [folder for folder in sorted(shared_cases.iterdir()) if folder.name.startswith(KINDS)]
    if not folders:
        pytest.skip("no worked example of these kinds")
    wrong = {}
    for folder in folders:
        params, tables = read_case(folder)
        expected = read_expected(folder)
        kind = params["kind"]
        if "error.json" in expected:
            reason = problems(kind, params, tables)
            words = expected["error.json"]["contains"]
            if reason is None or any(word not in reason for word in words):
                wrong[folder.name] = [f"{words} wanted, {reason} found"]
        else:
            found = differences(expected, run(kind, params, tables))
            if found:
                wrong[folder.name] = found[:5]
    assert not wrong
