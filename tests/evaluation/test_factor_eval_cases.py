"""The worked examples of factor_eval, through the function that the command calls."""

import json
from pathlib import Path

import pytest

from fusion_factor.core.errors import FusionFactorError
from fusion_factor.evaluation import CASE_KINDS

from .comparison import as_text, read_case, read_rows, same_metrics, same_tables

GOOD = ["01_weekly_splits_decay", "02_every_n_open_newey_west", "03_monthly_to_the_next_date_industry"]


@pytest.mark.parametrize("name", GOOD)
def test_worked_example(shared_cases: Path, name: str) -> None:
    folder = shared_cases / f"factor_eval_{name}"
    files = CASE_KINDS["factor_eval"](*read_case(folder))
    assert sorted(files) == sorted(path.name for path in (folder / "expected").iterdir())
    for table in ("ic.csv", "layers.csv"):
        same_tables(as_text(files[table]), read_rows(folder / "expected" / table))
    wanted = json.loads((folder / "expected" / "metrics.json").read_text(encoding="utf-8"))
    # Through JSON and back, as it is written: nothing that JSON does not know may be inside.
    same_metrics(json.loads(json.dumps(files["metrics.json"], allow_nan=False)), wanted)


def test_bad_example_is_refused_by_name(shared_cases: Path) -> None:
    folder = shared_cases / "factor_eval_04_bad_score_date"
    wanted = json.loads((folder / "expected" / "error.json").read_text(encoding="utf-8"))
    with pytest.raises(FusionFactorError) as caught:
        CASE_KINDS["factor_eval"](*read_case(folder))
    message = str(caught.value)
    assert all(word in message for word in wanted["contains"])
    assert "\n" not in message
