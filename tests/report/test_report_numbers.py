"""How numbers are shown, packed and reshaped, on values worked by hand."""

import numpy as np
import pandas as pd
import pytest

from fusion_factor.report.numbers import interval_words, packed_dates, rounded, shown
from fusion_factor.report.packing import packed, steps
from fusion_factor.report.reshape import (
    below_peak,
    cells,
    kept_rows,
    layer_paths,
    long_short_sum,
    monthly_changes,
    monthly_means,
    moving_mean,
    running_sum,
    standard_error,
    trailing_change,
    trailing_volatility,
)
from fusion_factor.report.thinning import thinned


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (0.09123, "pct", "9.12%"),
        (-0.00001, "pct", "0.00%"),
        (-0.0123, "pct1", "−1.2%"),
        (1234567.0, "int", "1,234,567"),
        (2021.0, "year", "2021"),
        (1.005, "num2", "1.00"),
        (-1, "sign", "−"),
        (0.103, "plus1", "+10.3%"),
        (-0.103, "plus1", "−10.3%"),
        (0.0000001, "plus", "0.00%"),
        (None, "pct", "—"),
        (float("nan"), "num2", "—"),
        (float("inf"), "num2", "—"),
        (True, "num2", "—"),
        ("", "text", "—"),
        (None, "mark", ""),
        (float("nan"), "date", "—"),
        (pd.NaT, "date", "—"),
        (pd.Timestamp("2024-03-01"), "date", "2024-03-01"),
    ],
)
def test_values_are_shown_as_people_read_them(value: object, kind: str, text: str) -> None:
    assert shown(value, kind) == text


def test_chart_values_lose_digits_not_holes() -> None:
    assert rounded([0.123456, np.nan, 2.0, None, -0.00001], 4) == [0.1235, None, 2, None, 0]


def test_dates_are_packed_as_steps() -> None:
    assert packed_dates(["2024-02-28", "2024-02-29", "2024-03-04"]) == ["2024-02-28", [1, 4]]
    assert packed_dates([]) == ["", []]


def test_running_sum_skips_holes() -> None:
    assert running_sum(np.array([0.1, np.nan, 0.2])).tolist() == pytest.approx([0.1, 0.1, 0.3])


def test_moving_mean_needs_a_full_window() -> None:
    mean = moving_mean(np.array([1.0, 2.0, 6.0]), 2)
    assert np.isnan(mean[0])
    assert mean[1:].tolist() == [1.5, 4.0]


def test_below_peak_is_the_fall_from_the_highest_point_so_far() -> None:
    assert below_peak(np.array([1.0, 1.25, 1.0, 1.5])).tolist() == pytest.approx([0.0, 0.0, -0.2, 0.0])
    assert below_peak(np.array([])).size == 0


def test_standard_error_prefers_newey_west() -> None:
    row = pd.Series({"rank_ic": 0.08, "t": 10.0, "nw_t": 8.0, "rank_ic_std": 0.1, "count": 100})
    assert standard_error(row) == pytest.approx(0.01)
    assert standard_error(row.drop("nw_t")) == pytest.approx(0.008)
    assert standard_error(row.drop(["nw_t", "t"])) == pytest.approx(0.01)
    assert standard_error(pd.Series({"rank_ic": 0.08})) is None


def test_layer_paths_compound_the_ratio_to_all_names() -> None:
    dates = pd.to_datetime(["2024-01-02", "2024-01-02", "2024-01-09", "2024-01-09"])
    layers = pd.DataFrame(
        {"date": dates, "layer": [1, 2, 1, 2], "return": [0.0, 0.2, np.nan, 0.1], "excess": [-0.1, 0.1, np.nan, 0.0]}
    )
    when, paths = layer_paths(layers)
    assert [day.day for day in when] == [2, 9]
    assert paths[1].tolist() == pytest.approx([1 / 1.1, 1 / 1.1])
    assert paths[2].tolist() == pytest.approx([1.2 / 1.1, 1.2 / 1.1])


def test_monthly_changes_start_at_the_base() -> None:
    dates = pd.Series(pd.to_datetime(["2023-12-29", "2024-01-31", "2024-02-01", "2024-02-29"]))
    rows = monthly_changes(dates, np.array([1.0, 1.1, 1.0, 1.21]))
    # December holds only the base: no month, no year; January runs from the base
    assert [row[0] for row in rows] == [2024]
    assert rows[0][1][:3] == pytest.approx((0.1, 0.1, None))
    assert rows[0][2] == pytest.approx(0.21)
    assert monthly_changes(dates.iloc[:0], np.array([])) == []


def test_thinning_keeps_the_ends_and_the_dates_in_step() -> None:
    assert kept_rows(5, 10).tolist() == [0, 1, 2, 3, 4]
    spec = {"type": "time", "dates": ["2024-01-01", [1] * 99], "panels": [{"series": [{"y": list(range(100))}]}]}
    small = thinned(spec, 12)
    values = small["panels"][0]["series"][0]["y"]
    assert (values[0], values[-1], len(values)) == (0, 99, 12)
    # a day a step, so the value is the number of days since the first date
    assert np.cumsum([0, *small["dates"][1]]).tolist() == values
    assert thinned(spec, 100) is spec


def test_intervals_say_whether_zero_is_inside() -> None:
    assert interval_words(0.012, 0.034) == "95% interval 1.2% to 3.4%"
    assert interval_words(-0.01, 0.02, 0.9) == "90% interval −1.0% to 2.0%, zero inside"
    assert interval_words(None, 0.02) == "no interval"


def test_a_trailing_year_needs_a_whole_year() -> None:
    path = np.array([1.0, 1.1, 1.21, 1.0])
    assert trailing_change(path, 2)[2:].tolist() == pytest.approx([0.21, 1.0 / 1.1 - 1.0])
    assert np.isnan(trailing_change(path, 2)[:2]).all()
    assert np.isnan(trailing_change(path, 4)).all()
    volatility = trailing_volatility(path, 2, annual_sessions=4)
    assert np.isnan(volatility[:2]).all()
    assert volatility[2] == pytest.approx(0.0, abs=1e-12)
    assert volatility[3] == pytest.approx(2 * np.std([0.1, 1.0 / 1.21 - 1.0], ddof=1))


def test_month_means_leave_holes_out() -> None:
    dates = pd.Series(pd.to_datetime(["2023-12-04", "2023-12-11", "2024-01-08", "2024-01-15", "2024-02-05"]))
    rows = monthly_means(dates, np.array([0.1, 0.3, np.nan, 0.2, np.nan]))
    assert [row[0] for row in rows] == [2023, 2024]
    assert rows[0][1][11] == pytest.approx(0.2)
    assert rows[1][1][:2] == (pytest.approx(0.2), None)
    assert rows[1][2] == pytest.approx(0.2)


def test_best_less_worst_layer_summed_up() -> None:
    days = pd.to_datetime(["2024-01-02", "2024-01-02", "2024-01-02", "2024-01-09", "2024-01-09", "2024-01-16"])
    layers = pd.DataFrame({"date": days, "layer": [1, 2, 3, 1, 3, 3], "return": [0.01, 0.5, 0.04, 0.02, 0.01, 9.0]})
    dates, path = long_short_sum(layers)
    assert len(dates) == 3
    assert path.tolist() == pytest.approx([0.03, 0.02, 0.02])


def test_cells_stand_in_step_with_their_dates() -> None:
    days = pd.to_datetime(["2024-01-02", "2024-01-02", "2024-01-09", "2024-01-09"])
    frame = pd.DataFrame({"signal": days, "code": ["a", "b", "a", "c"], "rank": [1, 2, 3, None]})
    dates, rows = cells(frame, "signal", "rank", ["b", "a"])
    assert list(rows) == ["b", "a"]
    assert dates.tolist() == [pd.Timestamp("2024-01-02"), pd.Timestamp("2024-01-09")]
    assert rows["a"].tolist() == [1.0, 3.0]
    assert rows["b"][0] == 2.0
    assert np.isnan(rows["b"][1])


def _unpacked(given: dict) -> list:
    """What the page's script does with packed values."""
    last, out = 0, []
    for step in given["s"]:
        last += step or 0
        out.append(None if step is None else last / 10 ** given["d"])
    return out


@pytest.mark.parametrize("digits", [0, 3, 5, 6])
def test_packed_values_are_the_same_values(digits: int) -> None:
    rng = np.random.default_rng(digits)
    values = rounded(np.where(rng.random(200) < 0.1, np.nan, 1 + rng.normal(0, 5, 200)), digits)
    assert _unpacked(steps(values)) == values
    assert steps([None, None]) == {"d": 0, "s": [None, None]}


def test_only_long_lines_are_packed() -> None:
    spec = {"type": "grid", "rows": [{"name": "a", "y": [1, 2]}, {"name": "b", "y": [0.5] * 80}]}
    assert packed(spec)["rows"][0]["y"] == [1, 2]
    assert packed(spec)["rows"][1]["y"] == {"d": 1, "s": [5] + [0] * 79}
    assert packed({"type": "bars", "series": []}) == {"type": "bars", "series": []}


def test_grids_are_thinned_like_lines() -> None:
    spec = {"type": "grid", "dates": ["2024-01-01", [1] * 9], "rows": [{"name": "a", "y": list(range(10))}]}
    thin = thinned(spec, 4)
    assert thin["rows"][0]["y"] == [0, 3, 6, 9]
    assert thin["dates"] == ["2024-01-01", [3, 3, 3]]
