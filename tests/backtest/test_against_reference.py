"""The fast implementation against the slow reference on FUSION_FACTOR_RANDOM_CASES random cases (200)."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from reference.against import compare, plain, slow, still_differs, text_frame
from reference.case_folders import COLUMNS, differences, read_case, read_files, write_case
from reference.random_cases import Case, random_case

from fusion_factor.backtest import CASE_KINDS, Parameters
from fusion_factor.backtest.cases import run_case
from fusion_factor.backtest.trade import TradeRules
from fusion_factor.core.errors import ConfigError, DataError

CASES = int(os.environ.get("FUSION_FACTOR_RANDOM_CASES", "200"))
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


def test_a_case_that_differs_is_made_small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With a cost that is a tenth too high, what is left of a case is the little that trades."""
    right = TradeRules.of

    def wrong(parameters: Parameters) -> TradeRules:
        rules = right(parameters)
        return replace(rules, buy_rate=rules.buy_rate * 1.1)

    monkeypatch.setattr(TradeRules, "of", wrong)
    good = (each for each in map(random_case, range(100)) if each.kind == "rotation" and not each.words)
    case = next(each for each in good if still_differs(each, fast))
    report = compare(case, tmp_path / "wrong", fast)
    assert report is not None
    assert "metrics.json" in report or "executions.csv" in report
    params, tables = read_case(tmp_path / "wrong")
    assert len(params) < len(case.params)
    assert sum(map(len, tables.values())) < sum(map(len, case.tables.values())) / 3


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_cases_agree_with_the_reference(chunk: int, tmp_path: Path) -> None:
    reports = []
    for seed in range(FIRST + chunk, FIRST + CASES, CHUNKS):
        report = compare(random_case(seed), tmp_path / f"random_{seed}", fast)
        if report is not None:
            reports.append(report)
    assert not reports, f"{len(reports)} cases differ:\n" + "\n".join(reports)


def test_case_folders_agree_with_the_reference(tmp_path: Path) -> None:
    """The same through files: what is written is compared as text, numbers aside; a refusal writes nothing."""
    reports = []
    for seed in range(2000, 2020):
        case = random_case(seed)
        wanted, words = slow(case)
        folder, out = tmp_path / f"case_{seed}", tmp_path / f"out_{seed}"
        write_case(folder, case.params, case.tables, wanted or {"error.json": {"contains": words}})
        try:
            run_case(folder, out)
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


def test_a_misspelt_kind_is_refused(tmp_path: Path) -> None:
    write_case(tmp_path / "rotatoin", {"kind": "rotatoin"}, {}, {})
    with pytest.raises(ConfigError, match="must be one of"):
        run_case(tmp_path / "rotatoin", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_order_of_rows_does_not_matter() -> None:
    """Section 12: the same tables with their rows reversed give the same text, file for file."""
    for seed in range(1000, 1012):
        case = random_case(seed)
        turned = {name: rows if name in ("sessions", "nav") else rows[::-1] for name, rows in case.tables.items()}
        assert fast(case) == fast(Case(seed, case.kind, case.params, turned, case.words)), f"seed {seed}"
