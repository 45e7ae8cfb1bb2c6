"""What is short of a usual day is refused with the figure and its limit."""

import numpy as np
import pytest

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.live import LiveSettings, check_coverage

SESSIONS = np.arange("2024-01-01", "2024-01-11", dtype="datetime64[D]")


def valid(counts: list[int]) -> np.ndarray:
    """bool [T, 100] with so many names a session."""
    return np.arange(100) < np.array(counts)[:, None]


def test_a_day_is_held_against_the_median_before_it() -> None:
    settings = LiveSettings(min_bar_share=0.9, compared_sessions=3)
    usual = [100, 100, 100, 100, 100, 100, 50, 80, 90]
    check_coverage(valid([*usual, 72]), SESSIONS, settings)  # 0.9 of the median of 50, 80, 90
    with pytest.raises(DataError, match=r"bars of 2024-01-10: incomplete, 71 symbols with factors, 88\.8% of the usual "
                                        r"80 \(median of 3 sessions before\), the limit is 90\.0%"):  # fmt: skip
        check_coverage(valid([*usual, 71]), SESSIONS, settings)
    with pytest.raises(DataError, match="bars of 2024-01-10: missing, 0 symbols"):
        check_coverage(valid([*usual, 0]), SESSIONS, settings)


def test_the_first_session_of_all_has_nothing_to_be_held_against() -> None:
    check_coverage(valid([5]), SESSIONS[:1], LiveSettings())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"date": "2024-13-01"}, "neither latest nor a date"),
        ({"min_bar_share": 1.5}, r"live\.min_bar_share: 1\.5 must be in 0\.\.1"),
        ({"compared_sessions": 0}, r"live\.compared_sessions: 0 must be >= 1"),
        ({"max_model_age_days": 0}, r"live\.max_model_age_days: 0 must be >= 1"),
    ],
)
def test_settings_outside_of_their_limits(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        LiveSettings(**values)  # type: ignore[arg-type]
