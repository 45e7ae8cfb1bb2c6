"""A split halves a forecast per share and is no revision; a dividend leaves it as it is."""

import numpy as np
import pandas as pd

from fusion_factor.text import find_events
from fusion_factor.text.per_share import split_factors, undiluted

SESSIONS = np.array(["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08"], "datetime64[D]")
SYMBOLS = np.array(["000001.SZ", "600519.SH"], dtype=object)
# the first: a dividend of 2 % on the 3rd, a split of 1 for 2 on the 4th, known again on the 8th only
FACTOR_TN = np.array([[1.0, 3.0], [1.02, 3.0], [2.04, 3.0], [np.nan, 3.0], [2.04, 2.9]])


def test_only_splits_count() -> None:
    np.testing.assert_allclose(split_factors(FACTOR_TN), [[1, 1], [1, 1], [2, 1], [2, 1], [2, 1]])


def test_a_forecast_halved_by_a_split_has_not_moved() -> None:
    reports = pd.DataFrame(
        {
            "report_id": ["1", "2", "3"],
            "date": pd.to_datetime(["2024-01-03", "2024-01-04", "2024-01-06"]),
            "symbol": "000001.SZ",
            "broker": "甲",
            "analyst": "乙",
            "title": ["点评一则", "点评二则", "点评三则"],
            "abstract": "",
            "forecast_fy1": [1.0, 0.5, 0.6],
        }
    )
    sessions = np.append(SESSIONS, np.datetime64("2024-01-09"))
    assert find_events(reports, sessions).table["direction"].tolist() == [-1, 1]
    made = undiluted(reports, FACTOR_TN, SESSIONS, SYMBOLS)
    assert made["forecast_fy1"].tolist() == [1.0, 1.0, 1.2]
    assert find_events(made, sessions).table["report_id"].tolist() == ["3"]
