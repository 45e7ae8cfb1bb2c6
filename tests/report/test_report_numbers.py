"""How numbers are shown, packed and reshaped, on values worked by hand."""

import numpy as np
import pandas as pd
import pytest

from fusion_factor.report.numbers import packed_dates, rounded, shown
from fusion_factor.report.reshape import (
    below_peak,
    kept_rows,
    layer_paths,
    monthly_changes,
    moving_mean,
    running_sum,
    standard_error,
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
