"""Every file of random cases against the slow reference, and the reference against the worked examples."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from fusion_factor.core.errors import FusionFactorError
from fusion_factor.evaluation import CASE_KINDS

from . import reference
from .comparison import as_text, read_case, read_rows, same_metrics, same_tables
from .random_tables import Tables, as_field, case, frames, seeds

HEADS = {"ic.csv": ["date", "n", "ic", "rank_ic"], "layers.csv": ["date", "layer", "n", "return", "excess"]}
NUMBERS = ("open", "close", "vwap", "adj_factor", "score", "cap")


def check(params: dict[str, Any], tables: Tables) -> None:
    try:
        ic_rows, layer_rows, metrics = reference.run(params, tables)
    except reference.Refused as refused:
        with pytest.raises(FusionFactorError, match=str(refused)):
            CASE_KINDS["factor_eval"](params, frames(tables))
        return
    files = CASE_KINDS["factor_eval"](params, frames(tables))
    for name, rows in (("ic.csv", ic_rows), ("layers.csv", layer_rows)):
        same_tables(as_text(files[name]), [HEADS[name], *([as_field(each) for each in row] for row in rows)])
    same_metrics(files["metrics.json"], metrics)
    json.dumps(files["metrics.json"], allow_nan=False)


# A smaller seed is no simpler case, so that nothing is gained by shrinking it.
plain_search = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=[Phase.explicit, Phase.reuse, Phase.generate]
)


@settings(plain_search, max_examples=60)
@given(seeds)
def test_random_cases(seed: int) -> None:
    check(*case(seed))


@pytest.mark.slow
@settings(plain_search, max_examples=600)
@given(seeds)
def test_many_random_cases(seed: int) -> None:
    check(*case(seed))


def plain(tables: dict[str, Any]) -> Tables:
    """Raw text frames as the reference takes them."""
    out: Tables = {}
    for name, frame in tables.items():
        out[name] = [
            {key: (float(value) if key in NUMBERS else value) if value != "" else None for key, value in row.items()}
            for row in frame.to_dict("records")
        ]
    return out


@pytest.mark.parametrize(
    "name", ["01_weekly_splits_decay", "02_every_n_open_newey_west", "03_monthly_to_the_next_date_industry"]
)
def test_reference_agrees_with_the_worked_examples(shared_cases: Path, name: str) -> None:
    folder = shared_cases / f"factor_eval_{name}"
    params, tables = read_case(folder)
    ic_rows, layer_rows, metrics = reference.run(params, plain(tables))
    for file, rows in (("ic.csv", ic_rows), ("layers.csv", layer_rows)):
        ours = [HEADS[file], *([as_field(each) for each in row] for row in rows)]
        same_tables(ours, read_rows(folder / "expected" / file))
    same_metrics(metrics, json.loads((folder / "expected" / "metrics.json").read_text(encoding="utf-8")))
