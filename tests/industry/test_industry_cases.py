"""The worked examples of industry_factors, through the function that the command calls."""

import json
from pathlib import Path

import pytest
from evaluation.comparison import as_text, read_case, read_rows, same_metrics, same_tables

from fusion_factor.core.errors import FusionFactorError
from fusion_factor.industry import CASE_KINDS

GOOD = ["01_acceleration_crowding_drop", "02_consensus_reports_composite", "03_slopes_weekly_to_today"]


@pytest.mark.parametrize("name", GOOD)
def test_worked_example(shared_cases: Path, name: str) -> None:
    folder = shared_cases / f"industry_factors_{name}"
    files = CASE_KINDS["industry_factors"](*read_case(folder))
    assert sorted(files) == sorted(path.name for path in (folder / "expected").iterdir())
    for table in ("factors.csv", "ic.csv", "quintiles.csv"):
        same_tables(as_text(files[table]), read_rows(folder / "expected" / table))
    wanted = json.loads((folder / "expected" / "metrics.json").read_text(encoding="utf-8"))
    same_metrics(json.loads(json.dumps(files["metrics.json"], allow_nan=False)), wanted)


def test_bad_example_is_refused_by_name(shared_cases: Path) -> None:
    folder = shared_cases / "industry_factors_04_bad_factor_twice"
    wanted = json.loads((folder / "expected" / "error.json").read_text(encoding="utf-8"))
    with pytest.raises(FusionFactorError) as caught:
        CASE_KINDS["industry_factors"](*read_case(folder))
    assert all(word in str(caught.value) for word in wanted["contains"])
    assert "\n" not in str(caught.value)
