"""The industry factors against the slow reference on FUSION_FACTOR_RANDOM_INDUSTRY_CASES random cases (150)."""

import os
from pathlib import Path
from typing import Any

import pytest
from reference.against import compare, plain, slow, text_frame
from reference.case_folders import COLUMNS, differences, read_files, write_case
from reference.random_cases import Case
from reference.random_industry_cases import random_industry_case

from fusion_factor.backtest.cases import run_case
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.industry import CASE_KINDS

CASES = int(os.environ.get("FUSION_FACTOR_RANDOM_INDUSTRY_CASES", "150"))
FIRST = int(os.environ.get("FUSION_FACTOR_RANDOM_FIRST", "0"))
CHUNKS = 10


def fast(case: Case) -> dict[str, Any] | str:
    """Return the outputs, or the message of a refusal."""
    params = {name: value for name, value in case.params.items() if name != "kind"}
    frames = {name: text_frame(rows) for name, rows in case.tables.items()}
    try:
        files = CASE_KINDS[case.kind](params, frames)
    except (DataError, ConfigError) as refusal:
        return str(refusal)
    return {name: plain(content) for name, content in files.items()}


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_cases_agree_with_the_reference(chunk: int, tmp_path: Path) -> None:
    reports = []
    for seed in range(FIRST + chunk, FIRST + CASES, CHUNKS):
        report = compare(random_industry_case(seed), tmp_path / f"random_{seed}", fast)
        if report is not None:
            reports.append(report)
    assert not reports, f"{len(reports)} cases differ:\n" + "\n".join(reports)


def test_case_folders_agree_with_the_reference(tmp_path: Path) -> None:
    """The same through files: headers and text as the specification has them; a refusal writes nothing."""
    reports = []
    for seed in range(20_000, 20_012):
        case = random_industry_case(seed)
        wanted, words = slow(case)
        folder, out = tmp_path / f"case_{seed}", tmp_path / f"out_{seed}"
        write_case(folder, case.params, case.tables, wanted or {"error.json": {"contains": words}})
        try:
            run_case(folder, out, CASE_KINDS)
        except (DataError, ConfigError) as refusal:
            wrong = [] if wanted is None and not out.exists() else [f"refused, or files left behind: {refusal}"]
        else:
            wrong = differences(wanted or {}, read_files(out))
            for path in out.glob("*.csv"):
                header = path.read_text(encoding="utf-8").splitlines()[0]
                if header != ",".join(COLUMNS[path.name]):
                    wrong.append(f"{path.name}: header {header}")
        if wrong:
            reports.append(f"{folder}: " + " | ".join(wrong[:3]))
    assert not reports, "\n".join(reports)


def test_order_of_rows_does_not_matter() -> None:
    """Section 12: the same tables with their rows reversed give the same numbers, bit for bit."""
    for seed in range(30_000, 30_010):
        case = random_industry_case(seed)
        turned = {name: rows if name == "sessions" else rows[::-1] for name, rows in case.tables.items()}
        assert fast(case) == fast(Case(seed, case.kind, case.params, turned, case.words)), f"seed {seed}"
