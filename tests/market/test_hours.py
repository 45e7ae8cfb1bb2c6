"""Hours, labels and auctions on the reading side: the same session written by every vendor's habits."""

import numpy as np
import pandas as pd
import pytest

from fusion_factor.core.errors import ConfigError
from fusion_factor.market.bar_files import MappedBars
from fusion_factor.market.hours import ASHARE, US, clock, to_hours

COLUMNS = {name: name for name in ("symbol", "datetime", "open", "high", "low", "close", "volume", "amount")}
DAY = np.datetime64("2025-01-02")


def rows(stamps, price=10.0):
    """Bar i opens at price + i, closes half above; volume 100 (i + 1)."""
    step = np.arange(len(stamps))
    frame = pd.DataFrame({"symbol": "600519.SH", "datetime": [f"2025-01-02 {clock(m)}:00" for m in stamps]})
    frame["open"], frame["close"] = price + step, price + step + 0.5
    frame["high"], frame["low"] = frame["close"] + 0.25, frame["open"] - 0.25
    frame["volume"] = 100.0 * (step + 1)
    return frame.assign(amount=frame["volume"] * frame["close"])


def read(folder, frame, **described):
    frame.to_csv(folder / "bars.csv", index=False)
    given = {"path": "bars.csv", "minutes": 1, "label": "end", "columns": COLUMNS} | described
    return MappedBars(given, folder, cache=None).session_bars(DAY)


MINUTES = [*range(570, 690), *range(780, 900)]


@pytest.mark.parametrize("label", ["end", "start"])
@pytest.mark.parametrize("opening", ["merge", "drop", "separate"])
@pytest.mark.parametrize("closing", ["merge", "drop", "separate"])
def test_auctions_merge_drop_or_stand_apart_under_either_label(tmp_path, label, opening, closing):
    later = 1 if label == "end" else 0
    trading = rows([m + later for m in MINUTES])
    first = rows([565], price=9.0).assign(volume=50.0, amount=450.0)
    last = rows([900 + later], price=400.0).assign(volume=7.0, amount=2800.0)
    bars = read(tmp_path, pd.concat([trading, last, first]), label=label, opening=opening, closing=closing)
    n = 240 + (opening == "separate") + (closing == "separate")
    assert bars.close.shape == (1, n)
    begin = int(opening == "separate")
    inner = bars.volume[0, begin : begin + 240].copy()
    inner[0] -= 50.0 if opening == "merge" else 0.0
    # a stamp one minute behind the end is after hours where the vendor's last bar holds the closing auction
    inner[-1] -= 7.0 if closing == "merge" and label == "start" else 0.0
    np.testing.assert_array_equal(inner, 100 * np.arange(1, 241))
    assert bars.open[0, 0] == (10.0 if opening == "drop" else 9.0)
    assert bars.volume[0, 0] == {"merge": 150.0, "drop": 100.0, "separate": 50.0}[opening]
    if closing == "separate":
        assert (bars.open[0, -1], bars.volume[0, -1], bars.amount[0, -1]) == (400.0, 7.0, 2800.0)


def test_two_opening_stamps_make_one_separate_bar(tmp_path):
    auction = rows([565, 570], price=9.0)
    bars = read(tmp_path, pd.concat([auction, rows([m + 1 for m in MINUTES])]), opening="separate")
    assert (bars.open[0, 0], bars.close[0, 0], bars.volume[0, 0]) == (9.0, 10.5, 300.0)
    assert (bars.high[0, 0], bars.low[0, 0]) == (10.75, 8.75)


@pytest.mark.parametrize(("label", "later"), [("end", 5), ("start", 0)])
def test_us_hours_leave_out_what_trades_before_and_after(tmp_path, label, later):
    stamps = [m + later for m in range(570, 960, 5)]
    outside = rows([m + later for m in (240, 500, 565, 965, 1190)], price=999.0)
    bars = read(tmp_path, pd.concat([rows(stamps), outside]), label=label, minutes=5, hours="us")
    assert bars.close.shape == (1, 78)
    np.testing.assert_array_equal(bars.volume[0], 100 * np.arange(1, 79))
    assert bars.high.max() < 999


def test_a_session_that_closes_early_has_fewer_bars(tmp_path):
    stamps = [m + 1 for m in range(570, 960)]
    bars = read(tmp_path, rows(stamps), hours="us", early_closes={"2025-01-02": "13:00"})
    assert bars.close.shape == (1, 210)
    assert bars.close.flags.c_contiguous
    other = read(tmp_path, rows(stamps), hours="us", early_closes={"2025-01-03": "13:00"})
    assert other.close.shape == (1, 390)
    with pytest.raises(ConfigError, match="cannot close at minute 1000"):
        read(tmp_path, rows(stamps), hours="us", early_closes={"2025-01-02": "16:40"})
    with pytest.raises(ConfigError, match="'noon' is no time"):
        read(tmp_path, rows(stamps), hours="us", early_closes={"2025-01-02": "noon"})


def test_hours_in_words():
    assert to_hours("ashare") == ASHARE
    assert to_hours("us") == US
    assert to_hours("09:30-12:00,13:00-16:00").minutes == 330
    assert (ASHARE.n_bars(1), to_hours("ashare", "separate", "separate").n_bars(1)) == (240, 242)
    with pytest.raises(ConfigError, match=r"hours.opening is 'join'"):
        to_hours("ashare", "join")
