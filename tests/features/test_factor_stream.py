"""The stream of sessions: what is computed again and what is not, point in time, failures, tiers, bad input."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from fake_market import make_market
from fake_ticks import assembled, rows_of
from ticked_market import TickedMarket, day_ticks, make_ticked_market

import fusion_factor.features.session_factors as session_factors
from fusion_factor.core.errors import DataError
from fusion_factor.features import FeatureConfig, build
from fusion_factor.features.factor_stream import FactorStream
from fusion_factor.features.intraday.catalogue import HUATAI27, LEVEL2, PRESETS
from fusion_factor.features.level2 import LOOK_BACK, big_order_threshold, compute_level2, order_statistics
from fusion_factor.features.session_factors import SessionFactors
from fusion_factor.features.session_store import SessionStore
from fusion_factor.features.tiers import names_of

NAMES = names_of("huatai27", make_ticked_market(1), 0.9)[0]
BIG = [NAMES.index(name) for name in ("bigorder_amt_perc", "early_bigorder_buy_perc", "bigorder_ret2")]


@pytest.fixture(scope="module")
def market():
    return make_ticked_market()


@pytest.fixture
def computed(monkeypatch):
    """The sessions whose factors are computed, in order."""
    real, found = session_factors.compute_factors, []
    monkeypatch.setattr(
        session_factors, "compute_factors", lambda bars, names, **more: found.append(bars.session) or real(bars, names)
    )
    return found


def streamed(market, folder, workers=1, **more):
    """All sessions of a stream: position to factors."""
    return dict(FactorStream(SessionFactors(market, NAMES, (), **more), folder, workers))


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[t], b[t], equal_nan=True) for t in a)


def test_level2_names_are_exact_and_bars_fill_the_rest(market, tmp_path):
    names = set(NAMES)
    assert set(LEVEL2) <= names
    assert not any(f"{name}_px" in names for name in LEVEL2)
    assert "corr_volume_item_px" in names  # the bars carry no trade counts
    found = streamed(market, tmp_path)
    day = market.bar_sessions[-1]
    t = int(np.flatnonzero(market.sessions == day)[0])
    ticks = market.ticks(day)
    past = [order_statistics(market.ticks(d)) for d in market.bar_sessions[-1 - LOOK_BACK : -1]]
    exact = compute_level2(ticks, big_order_threshold(past, ticks.symbols)).astype(np.float32)
    columns = [NAMES.index(name) for name in LEVEL2]
    bars = set(market.bars(day).symbols)
    for s, symbol in enumerate(ticks.symbols):
        row = found[t][np.flatnonzero(market.symbols == symbol)[0]]
        expected = exact[s] if symbol in bars else np.full(12, np.nan)
        assert np.array_equal(row[columns], expected, equal_nan=True), symbol
    assert np.isfinite(exact).sum() >= 40
    assert np.isnan(found[t][6:, columns]).all()  # symbols without ticks


def test_one_new_session_leaves_the_others_untouched(market, tmp_path, computed):
    streamed(market.until(9), tmp_path)
    assert len(computed) == 10
    computed.clear()
    longer = market.until(10)
    found = streamed(longer, tmp_path)
    assert computed == [market.bar_sessions[10]]
    # nor are the ticks of the five before read again: their statistics are kept
    assert longer.ticks_read == [market.bar_sessions[10]]
    assert same(found, streamed(longer, tmp_path / "anew"))


def test_a_corrected_session_is_computed_again_with_the_five_that_look_back(market, tmp_path, computed):
    first = streamed(market, tmp_path)
    computed.clear()
    days = market.bar_sessions
    corrected = market.with_ticks(days[3], day_ticks(days[3], seed=77))
    found = streamed(corrected, tmp_path)
    assert computed == list(days[3 : 3 + LOOK_BACK + 1])
    assert same(found, streamed(corrected, tmp_path / "anew"))
    t = int(np.flatnonzero(market.sessions == days[4])[0])
    assert not np.array_equal(found[t][:, BIG], first[t][:, BIG], equal_nan=True)
    others = [f for f in range(27) if not NAMES[f].startswith(("bigorder_", "early_bigorder", "early_active_big"))]
    assert np.array_equal(found[t][:, others], first[t][:, others], equal_nan=True)


def test_corrected_bars_touch_their_own_session_alone(market, tmp_path, computed):
    streamed(market, tmp_path)
    computed.clear()
    day = market.bar_sessions[4]
    other = market.until(11)
    bars = market.bars(day)
    other._bars[day] = replace(bars, close=np.minimum(bars.close, bars.low))
    streamed(other, tmp_path)
    assert computed == [day]
    # the files of the former state are gone
    assert len(list(tmp_path.glob("*.factors.*.npz"))) == 12


def test_nothing_looks_at_today_or_ahead_for_its_threshold(market, tmp_path):
    """Replace the ticks of a session and of all after it: the thresholds of that session stay, and all before it."""
    days = market.bar_sessions
    first = streamed(market, tmp_path / "a")
    changed = market
    for day in days[7:]:
        changed = changed.with_ticks(day, day_ticks(day, seed=99))
    found = streamed(changed, tmp_path / "b")
    for day in days[:7]:
        t = int(np.flatnonzero(market.sessions == day)[0])
        assert np.array_equal(first[t], found[t], equal_nan=True)
    # the changed session itself, under the old threshold
    ticks = changed.ticks(days[7])
    past = [order_statistics(market.ticks(day)) for day in days[2:7]]
    exact = compute_level2(ticks, big_order_threshold(past, ticks.symbols)).astype(np.float32)
    t = int(np.flatnonzero(market.sessions == days[7])[0])
    for s, symbol in enumerate(ticks.symbols):
        if symbol in set(market.bars(days[7]).symbols):
            row = found[t][np.flatnonzero(market.symbols == symbol)[0], BIG]
            assert np.array_equal(row, exact[s, [LEVEL2.index(NAMES[f]) for f in BIG]], equal_nan=True)
    assert len(rows_of(ticks, 0)[0]) == 700


def test_threads_change_no_bit(market, tmp_path):
    one = streamed(market, tmp_path / "one")
    assert same(one, streamed(market, tmp_path / "four", workers=4))


def test_a_killed_run_goes_on_where_it_was(market, tmp_path, monkeypatch):
    real, calls = session_factors.compute_level2, []

    def failing(ticks, *rest, **more):
        calls.append(ticks.session)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return real(ticks, *rest, **more)

    monkeypatch.setattr(session_factors, "compute_level2", failing)
    with pytest.raises(KeyboardInterrupt):
        streamed(market, tmp_path)
    calls.clear()
    found = streamed(market, tmp_path)
    # the session that was cut off and those after it, but for one that a thread still had in hand
    assert calls[0] == market.bar_sessions[7]
    assert 12 - 8 <= len(calls) <= 12 - 7
    monkeypatch.undo()
    assert same(found, streamed(market, tmp_path / "anew"))


def test_blocks_filled_by_others_in_any_order_change_no_bit(market, tmp_path, computed):
    def stream():
        return FactorStream(SessionFactors(market, NAMES, ()), tmp_path / "a", 1)

    positions = stream().unfinished()
    assert len(positions) == 12
    late, early = positions[7:], positions[:7]  # the late block looks back into the early one
    assert (stream().fill(late), stream().fill(late)) == (5, 0)
    assert stream().unfinished() == early
    assert stream().fill(positions) == 7
    assert stream().unfinished() == []
    assert len(computed) == 12
    found = dict(stream())
    assert len(computed) == 12, "nothing is computed twice"
    assert same(found, streamed(market, tmp_path / "b"))


def test_a_session_that_fails_does_not_lose_the_others_of_its_block(market, tmp_path):
    day = market.bar_sessions[3]
    ticks = market.ticks(day)
    broken = market.with_ticks(day, with_bad_rows(ticks, 0, 10**6))
    stream = FactorStream(SessionFactors(broken, NAMES, ()), tmp_path, 1)
    with pytest.raises(DataError, match=rf"of 12 sessions failed, .*the first, {day}: "):
        stream.fill(stream.positions)
    left = [str(market.sessions[t]) for t in stream.unfinished()]
    assert left == [str(each) for each in market.bar_sessions[3 : 3 + 1 + LOOK_BACK]]


def test_a_torn_file_is_computed_again(market, tmp_path, computed):
    found = streamed(market, tmp_path)
    computed.clear()
    file = sorted(tmp_path.glob("*.factors.*.npz"))[4]
    file.write_bytes(file.read_bytes()[:100])
    sorted(tmp_path.glob("*.orders.*.npz"))[4].write_bytes(b"nothing")
    assert same(found, streamed(market, tmp_path))
    assert computed == [market.bar_sessions[4]]


def test_a_session_that_fails_does_not_lose_the_others(market, tmp_path, computed):
    days = market.bar_sessions
    broken = market.with_ticks(days[5], with_bad_rows(market.ticks(days[5]), 0, 6000))
    with pytest.raises(DataError, match=r"6 of 12 sessions failed.* rows are bad.*600000\.SH, unknown_side 6000"):
        streamed(broken, tmp_path, workers=2)
    # the session and the five whose threshold would have been another; the rest is there
    assert len(list(tmp_path.glob("*.factors.*.npz"))) == 12 - 6
    computed.clear()
    found = streamed(market, tmp_path)
    assert computed == list(days[5:11])
    assert same(found, streamed(market, tmp_path / "anew"))


def with_bad_rows(ticks, s, count):
    counts = ticks.bad.counts.copy()
    counts[s, 3] += count
    return replace(ticks, bad=replace(ticks.bad, counts=counts))


def test_bad_rows_are_told_by_session_and_symbol_and_a_bad_symbol_has_no_factors(market, tmp_path):
    days = market.bar_sessions
    odd = market.with_ticks(days[3], with_bad_rows(market.ticks(days[3]), 0, 400))
    bars = market.bars(days[6])
    low = bars.low.copy()
    low[2, 4] = bars.high[2, 4] + 1
    odd._bars[days[6]] = replace(bars, low=low, volume=np.where(np.arange(16) == 7, -1.0, bars.volume).astype("f4"))
    config = FeatureConfig(workers=1, max_bad_share=0.08)
    features = build(odd, config, tmp_path, progress=False, check=False)
    with (tmp_path / "bad_input.csv").open() as stream:
        lines = list(csv.DictReader(stream))
    assert {"session": str(days[3]), "table": "ticks", "symbol": "600000.SH", "kind": "unknown_side", "bad": "400",
            "rows": str(odd.ticks(days[3]).bad.rows[0])} in lines  # fmt: skip
    crossed = [line for line in lines if line["kind"] == "crossed"]
    assert [(line["session"], line["table"], line["symbol"]) for line in crossed] == [
        (str(days[6]), "bars", bars.symbols[2])
    ]
    assert sum(line["kind"] == "not_positive" for line in lines) == len(bars.symbols)
    # 400 of some 2,000 rows are more than 8 %: no exact factor that day, though there are bars
    t = int(np.flatnonzero(features.sessions == days[3])[0])
    columns = [features.factors.names.index(name) for name in LEVEL2]
    assert np.isnan(features.factors.values[t, 0, columns]).all()
    # two bad bars of 16 for one symbol, one for the others
    t = int(np.flatnonzero(features.sessions == days[6])[0])
    n = np.searchsorted(features.symbols, bars.symbols.astype(str))
    from_bars = [f for f in range(27) if f not in columns]
    assert np.isnan(features.factors.values[t, n[2], from_bars]).all()
    assert np.isfinite(features.factors.values[t, n[3], from_bars]).any()
    # the counts are kept with the sessions
    again = build(odd, config, tmp_path, progress=False, check=False)
    assert len(list(csv.DictReader((tmp_path / "bad_input.csv").open()))) == len(lines)
    assert np.array_equal(again.factors.values, features.factors.values, equal_nan=True)


def test_the_tier_used_is_on_record(market, tmp_path):
    features = build(market, FeatureConfig(workers=1), tmp_path, progress=False, check=False)
    listed = {row["name"]: row for row in json.loads((tmp_path / "factors.json").read_text())}
    assert tuple(listed) == features.factors.names == NAMES
    assert {name for name, row in listed.items() if row["tier_used"] == "l2"} == set(LEVEL2)
    for name, row in listed.items():
        assert name.endswith("_px") == bool(row["proxy_of"])
    plain = build(make_market(40, 8, 12), FeatureConfig(workers=1), tmp_path / "bars", progress=False, check=False)
    assert plain.factors.names == HUATAI27
    assert {name.removesuffix("_px") for name in HUATAI27} == set(PRESETS["huatai27"])


def test_a_few_days_of_ticks_do_not_empty_a_column(market):
    few = TickedMarket(market, {day: market.ticks(day) for day in market.bar_sessions[:4]})
    names, told = names_of("huatai27", few, 0.9)
    assert names == HUATAI27
    assert told == [
        "ticks: 4 of 12 sessions with bars have trades and orders, below min_tick_share = 0.9: proxies everywhere"
    ]
    names, told = names_of("huatai27", few, 0.3)
    assert set(LEVEL2) <= set(names)
    assert "missing on the others" in told[0]


def test_sessions_without_ticks_lack_the_exact_factors(market, tmp_path):
    some = TickedMarket(market, {day: market.ticks(day) for day in market.bar_sessions[::2]})
    found = streamed(some, tmp_path)
    columns = [NAMES.index(name) for name in LEVEL2]
    for k, t in enumerate(sorted(found)):
        assert np.isfinite(found[t][:, columns]).any() == (k % 2 == 0)
        assert np.isfinite(found[t][:, 0]).any()


def test_a_locked_price_limit_is_left_out_by_the_stream(market, tmp_path):
    """The limits of a session reach its factors, and a change of them its key."""
    shape = (len(market.sessions), len(market.symbols))
    high = np.zeros(shape)
    ticks = market.ticks(market.bar_sessions[-1])
    t = int(np.flatnonzero(market.sessions == market.bar_sessions[-1])[0])
    free = streamed(market, tmp_path, limits=(np.zeros(shape), high))
    locked = high.copy()
    locked[t] = np.bincount(ticks.trades_of(0).cents).argmax()  # the most frequent price of the first symbol
    found = streamed(market, tmp_path, limits=(np.zeros(shape), locked))
    assert [u for u in found if not np.array_equal(found[u], free[u], equal_nan=True)] == [t]


def test_the_store_keeps_what_it_is_told(tmp_path):
    store = SessionStore(tmp_path)
    day = np.datetime64("2024-01-02")
    store.put("factors", day, "a", {"x": np.arange(2), "s": np.array(["u", "v"], dtype=object)})
    store.put("factors", day, "b", {"x": np.arange(3)})
    assert store.find("factors", day, "a")["s"].tolist() == ["u", "v"]
    store.keep_only({("factors", "2024-01-02", "b")})
    assert store.find("factors", day, "a") is None
    assert store.has("factors", day, "b")


def test_a_session_that_holds_an_earlier_one_is_refused(market, tmp_path):
    """The file of a day was copied from the day before: every symbol's orders repeat, though nothing in it is wrong."""
    days = market.bar_sessions
    stale = replace(market.ticks(days[4]), session=days[5])
    with pytest.raises(DataError, match=rf"1 of 12 sessions failed.*{days[5]}: ticks of .* other_session"):
        streamed(market.with_ticks(days[5], stale), tmp_path)


def test_one_symbol_of_another_session_is_left_out(market, tmp_path):
    days = market.bar_sessions
    old, new = market.ticks(days[3]), market.ticks(days[5])
    mixed = assembled(str(days[5]), list(new.symbols), [rows_of(old if s == 2 else new, s) for s in range(6)])
    sessions = SessionFactors(market.with_ticks(days[5], mixed), NAMES, (), max_bad_share=0.3)
    stream = FactorStream(sessions, tmp_path, 1)
    found = dict(stream)
    assert {(line[0], line[2], line[3]) for line in stream.lines} == {(str(days[5]), "600002.SH", "other_session")}
    assert next(line[4] for line in stream.lines) == 700
    t = int(np.flatnonzero(market.sessions == days[5])[0])
    columns = [NAMES.index(name) for name in LEVEL2]
    assert np.isnan(found[t][2, columns]).all()


def test_only_a_few_sessions_are_ahead(market, tmp_path):
    """Memory is bounded by the threads: a reader that waits holds back the reading."""
    counted = TickedMarket(market, market._ticks)
    run = FactorStream(SessionFactors(counted, NAMES, ()), tmp_path, 1).run(shown=False)
    next(run)
    assert len(counted.ticks_read) <= 3  # the one at hand and two a thread
    assert len(counted.sessions_read) <= 3
    run.close()


def test_ticks_in_another_unit_are_refused_before_the_work(market, tmp_path):
    day = market.bar_sessions[-1]
    ticks = market.ticks(day)
    level = np.median(market.bars(day).close) * 100
    trades = ticks.trades._replace(cents=np.full(len(ticks.trades.cents), level, np.int32))
    cheap = trades._replace(cents=trades.cents // 100)
    with pytest.raises(DataError, match=r"ticks: .*price is about 0\.00\d+ times.*check ticks\.trades\.units\.price"):
        build(market.with_ticks(day, replace(ticks, trades=cheap)), FeatureConfig(workers=1), tmp_path, progress=False)
