"""Case folders: the worked examples beside the checkout, and a few of our own worked by hand (cases/README.md)."""

import csv
import json
import math
from pathlib import Path

import pytest

from fusion_factor.backtest.cases import CASE_KINDS, run_case
from fusion_factor.core.errors import ConfigError, DataError, FusionFactorError

OWN = Path(__file__).parent / "cases"


def close(left: float, right: float, tolerance: float) -> bool:
    return math.isclose(left, right, rel_tol=tolerance, abs_tol=tolerance)


def same_cell(wanted: str, found: str) -> bool:
    if wanted == found:
        return True
    try:
        return close(float(wanted), float(found), 1e-9)
    except ValueError:
        return False


def check_table(wanted: Path, found: Path) -> None:
    with wanted.open(newline="") as left, found.open(newline="") as right:
        wanted_rows, found_rows = list(csv.reader(left)), list(csv.reader(right))
    assert found_rows[0] == wanted_rows[0]
    assert len(found_rows) == len(wanted_rows)
    for number, (wanted_row, found_row) in enumerate(zip(wanted_rows, found_rows, strict=True)):
        assert all(map(same_cell, wanted_row, found_row)), f"{wanted.name} row {number}: {wanted_row} {found_row}"


def check_figures(wanted: Path, found: Path) -> None:
    left, right = json.loads(wanted.read_text()), json.loads(found.read_text())
    assert left.keys() == right.keys()
    for key, value in left.items():
        if isinstance(value, float):
            assert close(value, right[key], 1e-7), key
        else:
            assert (value, type(value)) == (right[key], type(right[key])), key


def check_case(case: Path, out: Path) -> None:
    expected = case / "expected"
    error = expected / "error.json"
    if error.is_file():
        with pytest.raises(FusionFactorError) as refusal:
            run_case(case, out)
        for word in json.loads(error.read_text())["contains"]:
            assert word in str(refusal.value)
        assert not out.exists()
        return
    run_case(case, out)
    assert sorted(path.name for path in out.iterdir()) == sorted(path.name for path in expected.iterdir())
    for path in expected.iterdir():
        (check_figures if path.suffix == ".json" else check_table)(path, out / path.name)


def test_worked_examples_beside_the_checkout(shared_cases: Path, tmp_path: Path) -> None:
    mine = [
        case
        for case in sorted(shared_cases.iterdir())
        if json.loads((case / "params.json").read_text())["kind"] in CASE_KINDS
    ]
    assert len(mine) >= 15
    for case in mine:
        check_case(case, tmp_path / case.name)


@pytest.mark.parametrize("case", sorted(path for path in OWN.iterdir() if path.is_dir()), ids=lambda path: path.name)
def test_own_examples(case: Path, tmp_path: Path) -> None:
    check_case(case, tmp_path / "out")


def write_case(folder: Path, params: str) -> Path:
    (folder / "inputs").mkdir(parents=True)
    (folder / "params.json").write_text(params)
    (folder / "inputs" / "nav.csv").write_text("date,nav,benchmark\n2024-01-02,1,1\n2024-01-03,1.5,1\n")
    return folder


def test_a_result_replaces_the_folder_as_a_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "old.csv").write_text("old")
    run_case(write_case(tmp_path / "case", '{"kind": "metrics"}'), out)
    assert sorted(path.name for path in out.iterdir()) == ["metrics.json", "years.csv"]
    assert (out / "years.csv").read_text().splitlines()[1] == "2024,0.5,0.0,0.5,0.0,0.0"
    assert json.loads((out / "metrics.json").read_text())["annual_volatility"] is None


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ('{"kind": "metrics", "annual_session": 252}', "annual_session"),
        ('{"kind": "metrics", "annual_sessions": 252.0}', "annual_sessions"),
        ('{"kind": "metrics", "annual_sessions": 0}', "annual_sessions"),
        ('{"kind": "metrics", "kind": "metrics"}', "kind twice"),
        ('{"kind": "limits", "top_k": 1}', "top_k"),
        ('{"kind": "limits"}', "sessions missing"),
        ('{"kind": "rotation", "top_k": 1}', "sessions missing"),
        ('{"kind": "stock_portfolio", "top_k": 1}', "sessions missing"),
        ('{"kind": "rotations"}', "kind rotations"),
        ('{"top_k": 1}', "kind"),
        ('["kind"]', "kind"),
        ('{"kind": "metrics",}', "params.json"),
    ],
)
def test_a_bad_case_leaves_the_folder_as_it_was(tmp_path: Path, params: str, words: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "old.csv").write_text("old")
    with pytest.raises((ConfigError, DataError)) as refusal:
        run_case(write_case(tmp_path / "case", params), out)
    assert all(word in str(refusal.value) for word in words.split())
    assert [path.name for path in tmp_path.iterdir() if path.name != "case"] == ["out"]
    assert [path.name for path in out.iterdir()] == ["old.csv"]
