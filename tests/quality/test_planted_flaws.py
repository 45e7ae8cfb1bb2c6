"""Each flaw planted into a clean market is found, where it is, by the checks that are meant to find it and no other."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from clean_market import EX_DATE, SESSIONS, SYMBOLS, Clean, at

from fusion_factor.quality import CHECKS, CheckSettings, QualitySettings, inspect


def found(clean, settings=None):
    """Findings by check: a list of (session position, symbol, value)."""
    seen = inspect(clean.market(), settings)
    out = {}
    for row in seen.findings.itertuples():
        t = int(np.searchsorted(SESSIONS, np.datetime64(row.session, "D"))) if pd.notna(row.session) else None
        out.setdefault(row.check, []).append((t, row.symbol, row.value))
    return out


def scale(clean, i, sessions, by):
    """All prices of a stock times a number, to the cent; the amounts too."""
    for t in sessions:
        values = {name: round(clean.get(i, t, name) * by, 2) for name in ("open", "high", "low", "close")}
        clean.set(i, t, **values, amount=clean.get(i, t, "volume") * (values["high"] + values["low"]) / 2)


def same_prices(clean, i, t):
    """Session t repeats the prices of the session before."""
    names = ("open", "high", "low", "close")
    values = {name: clean.get(i, t - 1, name) for name in names}
    clean.set(i, t, **values, amount=clean.get(i, t, "volume") * (values["high"] + values["low"]) / 2)


def test_a_clean_market_has_no_finding():
    seen = inspect(Clean().market())
    assert seen.findings.empty
    assert seen.above == []
    assert [row["check"] for row in seen.summary["checks"]] == list(CHECKS)
    assert all(row["skipped"] is None and row["looked_at"] > 0 for row in seen.summary["checks"])


def extra_session(clean):
    """A day of the National Day week on which every stock stands still."""
    clean.sessions = np.sort(np.append(SESSIONS, np.datetime64("2020-10-01")))
    t = int(np.searchsorted(SESSIONS, np.datetime64("2020-10-01")))
    rows = clean.prices[clean.prices["date"] == at(t - 1)].assign(date=pd.Timestamp("2020-10-01"), volume=0, amount=0)
    rows = rows.assign(open=rows["close"], high=rows["close"], low=rows["close"])
    clean.prices = pd.concat([clean.prices, rows], ignore_index=True).sort_values(["symbol", "date"], ignore_index=True)


def missing_session(clean):
    clean.sessions = np.delete(SESSIONS, 40)
    clean.prices = clean.prices[clean.prices["date"] != at(40)]


def split_without_factor(clean):
    scale(clean, 3, range(80, 145), 0.5)
    scale(clean, 3, range(145, 150), 0.5)
    clean.bars = {}


def factor_alone(clean):
    clean.prices.loc[(clean.prices["symbol"] == SYMBOLS[4]) & (clean.prices["date"] >= at(90)), "adj_factor"] = 1.08


def factor_down(clean):
    rows = (clean.prices["symbol"] == SYMBOLS[4]) & (clean.prices["date"] >= at(90))
    clean.prices.loc[rows, "adj_factor"] = 0.99


def beyond_limit(clean):
    """The close of one session a tenth and five cents above the close before, the next ones go on from there."""
    by = (np.floor(clean.get(6, 99, "close") * 110 + 0.5) / 100 + 0.05) / clean.get(6, 100, "close")
    scale(clean, 6, range(100, 150), by)
    clean.bars = {}


def moving_halt(clean):
    clean.set(1, 52, close=clean.get(1, 49, "close") + 0.1, high=clean.get(1, 49, "close") + 0.1)
    clean.set(1, 53, **{name: clean.get(1, 49, "close") + 0.1 for name in ("open", "high", "low", "close")})
    clean.set(1, 54, **{name: clean.get(1, 49, "close") + 0.1 for name in ("open", "high", "low", "close")})


def crossed(clean):
    """The high is below open and close; the amount, which would not fit any more, is not known."""
    clean.set(3, 66, high=clean.get(3, 66, "low") + 0.01, amount=np.nan)


def stale_run(clean):
    for t in (110, 111, 112):
        same_prices(clean, 0, t)


def delisted_but_traded(clean):
    clean.stocks.loc[7, "delist_date"] = at(140)
    clean.members.loc[7, "out_date"] = at(140)


def member_after_delisting(clean):
    clean.stocks.loc[7, "delist_date"] = at(140)
    clean.drop(7, range(140, 150))
    clean.bars = {}


def late_listing(clean):
    clean.drop(0, range(30))


def changed_bar(field, by):
    def plant(clean):
        day = SESSIONS[-2]
        values = getattr(clean.bars[day], field).copy()
        values[3, -1] *= by
        clean.bars[day] = dataclasses.replace(clean.bars[day], **{field: values})

    return plant


def bars_without(clean):
    bars = clean.bars[SESSIONS[-3]]
    keep = np.arange(len(SYMBOLS)) != 4
    fields = {
        name: getattr(bars, name)[keep] for name in ("symbols", "open", "high", "low", "close", "volume", "amount")
    }
    clean.bars[SESSIONS[-3]] = dataclasses.replace(bars, **fields)


def day_without(clean):
    last = clean.get(5, 145, "close")
    clean.set(5, 146, open=last, high=last, low=last, close=last, volume=0.0, amount=0.0)


PLANTED = [
    (extra_session, {"session_extra": [(86, "")]}),
    (missing_session, {"session_missing": [(40, "")]}),
    (lambda c: c.set(3, 66, open=0.0), {"price_bad": [(66, 3)]}),
    (crossed, {"price_order": [(66, 3)], "amount_empty": [(66, 3)]}),
    (split_without_factor, {"jump": [(80, 3)], "beyond_limit": [(80, 3)]}),
    (factor_alone, {"factor_unexplained": [(90, 4)]}),
    (factor_down, {"factor_fall": [(90, 4)]}),
    (beyond_limit, {"beyond_limit": [(100, 6)]}),
    (stale_run, {"stale": [(110, 0)]}),
    (moving_halt, {"move_without_volume": [(52, 1)]}),
    (lambda c: c.set(2, 33, volume=np.nan), {"volume_empty": [(33, 2)]}),
    (lambda c: c.set(2, 33, amount=np.nan), {"amount_empty": [(33, 2)]}),
    (lambda c: c.set(2, 33, amount=c.get(2, 33, "amount") * 1.05), {"vwap_outside": [(33, 2)]}),
    (lambda c: c.drop(6, range(90, 97)), {"hole": [(90, 6)]}),
    (late_listing, {"late_start": [(0, 0)]}),
    (lambda c: (c.drop(5, range(100, 150)), c.bars.clear()), {"stop": [(100, 5)]}),
    (delisted_but_traded, {"dead_trade": [(t, 7) for t in range(140, 150)]}),
    (member_after_delisting, {"dead_member": [(140, 7)]}),
    (changed_bar("close", 1.001), {"bar_close": [(148, 3)]}),
    (changed_bar("volume", 1.1), {"bar_volume": [(148, 3)]}),
    (changed_bar("amount", 1.1), {"bar_amount": [(148, 3)]}),
    (bars_without, {"bar_absent": [(147, 4)]}),
    (day_without, {"bar_orphan": [(146, 5)]}),
]  # fmt: skip


@pytest.mark.parametrize(("plant", "expected"), PLANTED, ids=[next(iter(expected)) for _, expected in PLANTED])
def test_exactly_the_planted_flaw_is_found(plant, expected):
    clean = Clean()
    plant(clean)
    places = {name: [(t, symbol) for t, symbol, _ in rows] for name, rows in found(clean).items() if name != "market"}
    wanted = {name: [(t, n if n == "" else SYMBOLS[n]) for t, n in rows] for name, rows in expected.items()}
    assert places == wanted


def test_every_check_is_planted():
    planted = {name for _, expected in PLANTED for name in expected}
    assert set(CHECKS) - planted == {"long_halt"}


def test_a_long_halt_is_found_from_its_limit_on():
    settings = QualitySettings(checks={"long_halt": CheckSettings("warning", 4)})
    assert found(Clean(), settings) == {"long_halt": [(50, SYMBOLS[1], 5.0)]}
    assert found(Clean(), QualitySettings(checks={"long_halt": CheckSettings("warning", 5)})) == {}


def test_values_are_what_they_say():
    clean = Clean()
    split_without_factor(clean)
    move = clean.get(3, 80, "close") / clean.get(3, 79, "close") - 1
    assert found(clean)["jump"] == [(80, SYMBOLS[3], pytest.approx(move))]
    clean = Clean()
    beyond_limit(clean)
    assert found(clean)["beyond_limit"] == [(100, SYMBOLS[6], 5.0)]
    clean = Clean()
    clean.drop(6, range(90, 97))
    assert found(clean)["hole"] == [(90, SYMBOLS[6], 7.0)]


def test_pre_close_settles_what_a_step_of_the_factor_was():
    clean = Clean()
    before = clean.prices.groupby("symbol")["close"].shift()
    clean.prices["pre_close"] = before
    clean.set(2, EX_DATE, pre_close=round(clean.get(2, EX_DATE - 1, "close") / 1.2, 2))
    assert found(clean) == {}
    clean.set(2, EX_DATE, pre_close=clean.get(2, EX_DATE - 1, "close"))
    assert set(found(clean)) >= {"factor_unexplained"}


def test_errors_above_what_is_allowed_are_named_and_a_lesser_severity_is_not():
    clean = Clean()
    clean.set(3, 66, open=0.0)
    assert inspect(clean.market()).above == ["price_bad"]
    lenient = QualitySettings(checks={"price_bad": CheckSettings("error", 0, 0.01)})
    assert inspect(clean.market(), lenient).above == []
    counted = inspect(clean.market(), QualitySettings(checks={"price_bad": CheckSettings("warning")}))
    assert (counted.above, counted.summary["warnings"], counted.summary["errors"]) == ([], 1, 0)
    off = inspect(clean.market(), QualitySettings(checks={"price_bad": CheckSettings("off")}))
    assert off.findings.empty


def test_what_the_market_cannot_have_is_a_finding_of_its_own():
    clean = Clean()
    clean.set(3, 66, high=clean.get(3, 66, "low") - 0.01)
    seen = inspect(clean.market())
    assert seen.above[0] == "market"
    assert "is below low" in seen.summary["refused"]


def test_a_market_without_volume_is_checked_as_far_as_it_goes():
    clean = Clean()
    clean.prices = clean.prices[["symbol", "date", "open", "close"]]
    clean.bars = {}
    seen = inspect(clean.market())
    skipped = {row["check"]: row["skipped"] for row in seen.summary["checks"] if row["skipped"]}
    assert skipped["vwap_outside"] == "stock_prices has no column volume"
    assert "hole" not in skipped
    assert seen.exclusions.empty
