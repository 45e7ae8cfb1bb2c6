"""What must stop a run and what is counted: every error names thing, value and limit."""

import datetime

import numpy as np
import pandas as pd
import pytest

from fusion_factor.core.errors import DataError
from fusion_factor.core.tables import check_table
from fusion_factor.market.checks import check_market, check_pool
from fusion_factor.market.store import Market, Pool, SessionBars
from fusion_factor.market.unit_checks import likely_unit

SESSIONS = pd.bdate_range("2024-01-02", periods=30).to_numpy().astype("datetime64[D]")
SYMBOLS = np.array(["000001.SZ", "600000.SH", "600519.SH"], dtype=object)


class HeldMarket(Market):
    """A market of arrays held in memory, to be spoilt by a test."""

    def __init__(self):
        rng = np.random.default_rng(0)
        close = np.round([10.0, 20.0, 100.0] * np.exp(np.cumsum(rng.normal(0, 0.01, (30, 3)), axis=0)), 2)
        volume = np.round(rng.uniform(1e5, 2e5, close.shape))
        self.days, self.names = SESSIONS, SYMBOLS
        self.columns = {"open": close.copy(), "high": close * 1.01, "low": close * 0.99, "close": close}
        self.columns |= {"volume": volume, "amount": volume * close, "adj_factor": np.ones_like(close)}
        self.tables, self.held_pools, self.held_bars = {}, {}, {}

    sessions = property(lambda self: self.days)
    symbols = property(lambda self: self.names)
    bar_minutes = property(lambda self: 15 if self.held_bars else None)
    bar_sessions = property(lambda self: np.array(sorted(self.held_bars), dtype="datetime64[D]"))
    pools = property(lambda self: tuple(self.held_pools))
    truth = None

    def has(self, name):
        return name in self.tables

    def table(self, name):
        return self.tables[name]

    def dense(self, column):
        if column not in self.columns:
            raise DataError(f"stock_prices has no column {column}")
        return self.columns[column]

    def bars(self, session):
        return self.held_bars[session]

    def pool(self, name):
        return self.held_pools[name]

    def fingerprint(self):
        return ""

    def put_bars(self, session, **times):
        """One session's bars that agree with the daily row but for the fields multiplied by `times`."""
        t = int(np.searchsorted(self.days, session))
        flat = {
            name: np.repeat(self.columns[name][t][:, None], 16, axis=1) for name in ("open", "high", "low", "close")
        }
        flat["volume"] = np.repeat(self.columns["volume"][t][:, None] / 16, 16, axis=1)
        flat["amount"] = flat["volume"] * flat["close"]
        self.held_bars[session] = SessionBars(
            session, self.names, **{k: (v * times.get(k, 1)).astype(np.float32) for k, v in flat.items()}
        )


@pytest.fixture
def market():
    return HeldMarket()


def test_a_clean_market_has_no_warnings(market):
    market.put_bars(SESSIONS[3])
    market.tables["caps"] = pd.DataFrame({"symbol": SYMBOLS, "date": pd.Timestamp(SESSIONS[0]), "cap": 1e10})
    assert check_market(market) == []


def test_sessions_exist_increase_and_do_not_lie_in_the_future(market):
    with pytest.raises(DataError, match="2024-02-12 lies in the future, the limit is 2024-02-01"):
        check_market(market, today=datetime.date(2024, 2, 1))
    market.days = SESSIONS[[0, 2, 1]]
    with pytest.raises(DataError, match="2024-01-03 does not come after"):
        check_market(market)
    market.days = SESSIONS[:0]
    with pytest.raises(DataError, match="0 sessions"):
        check_market(market)


def test_an_empty_universe(market):
    market.names = SYMBOLS[:0]
    with pytest.raises(DataError, match="0 symbols, at least 1 is needed"):
        check_market(market)
    market.names = SYMBOLS
    market.columns["close"] = np.full((30, 3), np.nan)
    with pytest.raises(DataError, match="no valid close among 3 symbols"):
        check_market(market)


def test_two_styles_of_symbols(market):
    market.names = np.array(["600519.SH", "600000.SH", "SH600519"], dtype=object)
    with pytest.raises(DataError, match=r"symbols in 2 styles: SH600519 \(prefix\), 600519.SH \(suffix\)"):
        check_market(market)


def test_high_below_low_negative_and_infinite_values(market):
    market.columns["high"][4, 1] = 1.0
    with pytest.raises(DataError, match=r"symbol 600000.SH, date 2024-01-08: high 1 is below low \d+"):
        check_market(market)
    market = HeldMarket()
    market.columns["volume"][2, 0] = -5
    with pytest.raises(DataError, match=r"symbol 000001.SZ, date 2024-01-04: volume -5, must be finite and >= 0"):
        check_market(market)
    market = HeldMarket()
    market.columns["close"][2, 0] = np.inf
    with pytest.raises(DataError, match="close inf, must be finite"):
        check_market(market)
    market = HeldMarket()
    market.columns["adj_factor"][2, 0] = 0
    with pytest.raises(DataError, match="adj_factor 0, must be finite and > 0"):
        check_market(market)


def test_closes_outside_of_high_and_low_are_counted(market):
    market.columns["close"][5, 2] *= 1.03
    assert check_market(market) == [
        "stock_prices: 1 rows with open or close outside of [low, high], the first: symbol 600519.SH, date 2024-01-09"
    ]


@pytest.mark.parametrize("times", [100, 0.01])
def test_one_price_a_hundred_times_off_its_neighbours(market, times):
    for name in ("open", "high", "low", "close"):
        market.columns[name][7, 1] *= times
    with pytest.raises(
        DataError, match=r"600000.SH, date 2024-01-11: close \S+ is .* times the close before .* limit is 50"
    ):
        check_market(market)


def test_a_split_that_the_factor_explains_is_no_mistake(market):
    for name in ("open", "high", "low", "close"):
        market.columns[name][7:, 1] /= 100
    market.columns["volume"][7:, 1] *= 100
    market.columns["adj_factor"][7:, 1] = 100
    assert check_market(market) == []


@pytest.mark.parametrize(
    ("column", "times", "setting"),
    [
        ("volume", 0.01, "units.volume: lots"),
        ("volume", 100, "units.volume: shares"),
        ("amount", 1e-3, "units.amount: thousand_cny"),
        ("amount", 1e3, "units.amount: cny"),
        ("amount", 1e-4, "units.amount: ten_thousand_cny"),
        ("amount", 1e-6, "units.amount: million_cny"),
        ("price", 100, "units.price: cents"),
    ],
)
def test_a_wrong_unit_is_named(market, column, times, setting):
    for name in ("open", "high", "low", "close") if column == "price" else (column,):
        market.columns[name] = market.columns[name] * times
    with pytest.raises(DataError, match=r"amount / \(volume \* close\) is about .* must be near 1.*") as caught:
        check_market(market)
    assert setting in str(caught.value)


def test_lots_and_thousands_together_and_an_odd_ratio():
    assert "units.volume: lots, units.amount: thousand_cny" in likely_unit(0.1)
    assert likely_unit(7.0).startswith("check units.price")


def test_one_symbol_in_lots_among_shares(market):
    market.columns["volume"][:, 2] /= 100
    with pytest.raises(
        DataError, match=r"symbol 600519.SH \(and 0 more\).*about 1\S* but near 1 for the others; volume is in lots"
    ):
        check_market(market)


def test_a_few_odd_amounts_are_counted_only(market):
    market.columns["amount"][3, 0] *= 10
    assert check_market(market) == ["stock_prices: 1 rows whose amount / volume is 3 times off their close"]


def test_without_amounts_the_price_level_must_be_plausible(market):
    del market.columns["amount"]
    assert check_market(market) == []
    for name in ("open", "high", "low", "close"):
        market.columns[name] = market.columns[name] * 100
    with pytest.raises(DataError, match=r"median close is \S+ CNY, plausible is 0.5 to 500: units.price: cents"):
        check_market(market)


def test_large_adjusted_moves_and_falling_factors_are_told_not_changed(market):
    for name in ("open", "high", "low", "close"):
        market.columns[name][20:, 0] *= 4
    market.columns["amount"][20:, 0] *= 4
    market.columns["adj_factor"][25:, 1] = 0.9
    found = check_market(market)
    start = "stock_prices: 1 adjusted moves beyond +-21.5%, kept as they are, the largest: 000001.SZ 2024-01-30 +"
    assert found[0].startswith(start)
    assert found[1] == "stock_prices: 1 steps down of adj_factor, the first: symbol 600000.SH, date 2024-02-06"
    market.columns["adj_factor"][:, 2] = np.nan
    assert "1 symbols without any adj_factor, the first: 600519.SH" in check_market(market)[-1]


def test_tables_share_symbols_and_dates_with_the_prices(market):
    spells = pd.DataFrame(
        {"symbol": ["600519.SH", "600000.SH"], "in_date": pd.to_datetime(["2020-01-01", "2025-01-01"])}
    )
    market.tables["industry"] = spells.assign(industry="x", out_date=pd.NaT)
    assert check_market(market) == [
        "industry: no row for 1 of 3 symbols",
        "industry: 1 rows with in_date after the last session 2024-02-12, never used",
    ]
    market.tables["industry"] = market.tables["industry"].assign(symbol=["SH600519", "SH600000"])
    with pytest.raises(DataError, match=r"industry: none of its 2 symbols .* styles prefix and suffix"):
        check_market(market)


def test_caps_in_ten_thousands_and_a_short_benchmark(market):
    caps = pd.DataFrame({"symbol": SYMBOLS, "date": pd.Timestamp(SESSIONS[3]), "cap": 1e10 / 1e8})
    market.tables["caps"] = caps
    with pytest.raises(
        DataError, match=r"caps: cap / close is about 5.* shares, .*ten_thousand_cny or hundred_million_cny"
    ):
        check_market(market)
    market.tables["caps"] = caps.assign(cap=1e10)
    market.tables["benchmark"] = pd.DataFrame({"date": SESSIONS[:20].astype("datetime64[s]"), "close": 1.0})
    assert check_market(market) == ["benchmark: no row on 10 of 30 sessions"]


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (
            {"open": 100, "high": 100, "low": 100, "close": 100},
            "close is about 100 times the daily one.*bars.units.price",
        ),
        ({"volume": 0.01, "amount": 1}, "volume is about 0.01 times the daily one.*bars.units.volume"),
        ({"amount": 0.001}, r"amount / \(volume \* close\) is about 0.001.*bars.units.amount"),
        ({"high": 0.5}, "symbol 000001.SZ, 2024-01-05, bar 0: high .* is below low"),
    ],
)
def test_bars_agree_with_the_daily_rows_in_units(market, times, message):
    market.put_bars(SESSIONS[3], **times)
    with pytest.raises(DataError, match=message):
        check_market(market)


def test_bars_lie_on_sessions_and_share_symbols(market):
    market.put_bars(SESSIONS[3])
    bars = market.held_bars.pop(SESSIONS[3])
    market.held_bars[np.datetime64("2024-01-06")] = bars
    with pytest.raises(DataError, match="bars: 2024-01-06 is not a session"):
        check_market(market)
    market.held_bars = {
        SESSIONS[3]: SessionBars(**{**vars(bars), "symbols": np.array(["1.SH", "2.SH", "600519.SH"], object)})
    }
    assert check_market(market)[0] == "bars: 2024-01-05: 2 of 3 symbols are not in stock_prices"
    market.held_bars = {
        SESSIONS[3]: SessionBars(**{**vars(bars), "symbols": np.array(["1.SH", "2.SH", "3.SH"], object)})
    }
    with pytest.raises(DataError, match="none of 3 symbols"):
        check_market(market)


def pool(weight=0.5, jump=1.0, symbols=("600000.SH", "600519.SH")):
    members = pd.DataFrame({"code": "X", "symbol": symbols, "in_date": "2024-01-02", "out_date": "", "weight": weight})
    prices = pd.DataFrame({"code": "X", "date": SESSIONS.astype("datetime64[s]"), "open": 1.0, "close": 1.0})
    prices.loc[5:, "close"] *= jump
    return Pool("p", check_table("index_prices", prices), check_table("members", members), "back-filled")


def test_pools_are_told_about(market):
    market.held_pools = {"p": pool()}
    assert check_pool(market, "p") == ["pool p: back-filled"]
    market.held_pools = {"p": pool(weight=50.0, jump=1.5)}
    assert check_pool(market, "p")[1:] == [
        "pool p: weights sum to about 100, expected is 1: units.weight: percent?",
        "pool p: 1 index moves beyond +-21.5%, the largest: X 2024-01-09 +50%",
    ]
    market.held_pools = {"p": pool(symbols=("SH600000", "SH600519"))}
    with pytest.raises(DataError, match="pool p: members: none of its 2 symbols"):
        check_pool(market, "p")
