"""The real A-share sample through its ready config: anchors of its description, baskets against published indices."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from omegaconf import OmegaConf

from fusion_factor.core.spells import cover, governing
from fusion_factor.market import open_market
from fusion_factor.market.checks import check_market, check_pool

pytestmark = pytest.mark.shared_data
CONF = Path(__file__).resolve().parents[2] / "conf" / "data"


def real_market(folder, name="ashare_sample", **changes):
    data = OmegaConf.load(CONF / f"{name}.yaml")
    if "defaults" in data:  # what Hydra does with them
        base = OmegaConf.load(CONF / f"{data.pop('defaults')[0]}.yaml")
        data = OmegaConf.merge(base, data)
    config = OmegaConf.create({"data": data})
    config.data.folder = str(folder)
    for key, value in changes.items():
        OmegaConf.update(config.data, key, value)
    return open_market(OmegaConf.to_container(config, resolve=True)["data"])


@pytest.fixture(scope="module")
def market(shared_data):
    return real_market(shared_data, start="2021-01-04")


def at(market, column, symbol, day):
    t = int(np.searchsorted(market.sessions, np.datetime64(day)))
    assert market.sessions[t] == np.datetime64(day)
    return market.dense(column)[t, int(np.flatnonzero(market.symbols == symbol)[0])]


def test_closes_of_the_description(market):
    assert at(market, "close", "600519.SH", "2023-01-30") == 1888.00
    assert at(market, "close", "600519.SH", "2023-01-31") == 1845.76
    assert at(market, "close", "600519.SH", "2024-12-31") == 1524.00
    assert at(market, "close", "600519.SH", "2025-12-31") == 1377.18
    assert at(market, "close", "000001.SZ", "2024-12-31") == 11.70
    assert at(market, "close", "300750.SZ", "2024-12-31") == 266.00
    benchmark = market.table("benchmark").set_index("date")["close"]
    assert benchmark["2024-12-31"] == 3934.91
    assert benchmark["2025-12-31"] == 4629.94


@pytest.mark.parametrize(("code", "close"), [("000300.SH", 3934.91), ("000905.SH", 5725.73), ("000852.SH", 5957.72)])
def test_the_benchmark_is_chosen_by_its_code(shared_data, code, close):
    market = real_market(shared_data, benchmark=code, sessions_from="benchmark")
    assert len(market.sessions) == 2919
    assert market.table("benchmark").set_index("date")["close"]["2024-12-31"] == close


def test_sessions_and_rows_of_2025(market):
    year = market.sessions.astype("datetime64[Y]") == np.datetime64("2025")
    assert year.sum() == 243
    rows = np.isfinite(market.dense("close")[year])
    assert rows.sum() == 522_450
    assert rows.all(axis=0).sum() == 2150
    # suspended: 850 rows of 2025 without a volume become volume 0 and nothing else does
    assert (market.dense("volume")[year] == 0).sum() == 850
    assert not np.isnan(market.dense("volume")[year][rows]).any()


def test_industries_by_regime(market):
    codes, labels = governing(market.table("industry"), "industry", market.sessions, market.symbols)
    alive = np.isfinite(market.dense("close"))
    for day, count in (("2021-07-29", 28), ("2021-07-30", 31), ("2024-01-02", 31), ("2025-12-31", 31)):
        t = int(np.searchsorted(market.sessions, np.datetime64(day)))
        assert len(set(labels[codes[t][alive[t] & (codes[t] >= 0)]])) == count
    assert ((codes[-1] >= 0) & alive[-1]).sum() == 2150


def test_delisted_truncated_and_new_stocks(market):
    stocks = market.table("stocks").set_index("symbol")
    assert stocks["delist_date"].notna().sum() == 66
    assert stocks["list_date"].isna().sum() == 240
    assert (stocks["board"] == "star").sum() == 210
    assert (stocks["board"] == "chinext").sum() == 279


def test_st_counts_known_flags_only(market, shared_data):
    flags = [("is_st", "==", 1), ("date", ">=", market.sessions[0].item())]
    rows = pq.read_table(shared_data / "daily.parquet", columns=["date"], filters=flags).num_rows
    assert cover(market.table("st"), market.sessions, market.symbols).sum() == rows


def test_caps_are_known_ones_carried_forward(market, shared_data):
    caps = market.caps_tn
    assert at(market, "close", "600519.SH", "2021-12-31") == 2050.0
    t = int(np.searchsorted(market.sessions, np.datetime64("2021-12-31")))
    n = int(np.flatnonzero(market.symbols == "600519.SH")[0])
    assert caps[t, n] == pytest.approx(2.575e12, rel=1e-3)
    # between two month ends it moves with the adjusted close
    close = market.dense("close")[:, n] * market.dense("adj_factor")[:, n]
    assert caps[t + 5, n] / caps[t, n] == pytest.approx(close[t + 5] / close[t], rel=1e-12)


def test_the_15_minute_bars(market, shared_data):
    assert market.bar_minutes == 15
    assert len(market.bar_sessions) == 243
    day = market.bar_sessions[-1]
    bars = market.bars(day)
    assert bars.open.shape == (1000, 16)
    raw = pd.read_parquet(shared_data / "cn_15min.parquet", filters=[("symbol", "==", "600519.SH")])
    raw = raw[raw["datetime"].dt.normalize() == pd.Timestamp(day)]
    n = int(np.flatnonzero(bars.symbols == "600519.SH")[0])
    np.testing.assert_array_equal(bars.close[n], (raw["close_fen"] / 100).to_numpy(np.float32))
    np.testing.assert_array_equal(bars.volume[n], raw["volume"].to_numpy(np.float32))


def test_built_industries_move_like_the_published_ones(market, shared_data):
    pool = market.pool("industry")
    built = pool.index_prices.pivot(index="date", columns="code", values="close")
    published = pd.read_parquet(shared_data / "sw_index_bars.parquet")
    published = published[published["family"] == "SW2021_L1"].astype({"name": str, "code": str})
    names = pd.read_parquet(shared_data / "sw_industry.parquet").astype({"l1_code": str, "l1_name": str})
    now = (names["in_date"].astype(str) <= "2022-01-04") & (
        names["out_date"].isna() | (names["out_date"].astype(str) > "2022-01-04")
    )
    names = names[now & names["symbol"].isin(market.symbols)].drop_duplicates("l1_code").set_index("l1_name")["l1_code"]
    published["date"] = pd.to_datetime(published["date"])
    published["ours"] = published["name"].str.replace("(申万)", "").map(names)
    assert published["ours"].nunique() == 31
    theirs = published.pivot(index="date", columns="ours", values="close")
    both = slice("2021-08-01", "2022-12-20")
    mine = built.loc[both].pct_change().iloc[1:]
    other = theirs.loc[both].pct_change().iloc[1:]
    correlation = mine.corrwith(other[mine.columns.intersection(other.columns)]).dropna()
    assert len(correlation) == 31
    assert correlation.median() >= 0.97
    assert correlation.nsmallest(2).iloc[-1] > 0.8
    assert correlation.idxmin() == "510000"  # conglomerates: few of its members are in the sample


def test_index_members_at_a_date(shared_data):
    market = real_market(shared_data, start="2023-06-01", **{"pools.theme.members_in_market": False})
    members = market.pool("theme").members
    for code, count in (("000300.SH", 300), ("000905.SH", 500), ("000852.SH", 1000)):
        spells = members[members["code"] == code]
        inside = cover(spells, market.sessions, np.array(sorted(set(spells["symbol"])), dtype=object)).sum(axis=1)
        assert set(inside.tolist()) == {count}


def test_pools_say_what_they_know_too_early(market):
    concept, theme = market.pool("concept"), market.pool("theme")
    assert "LOOKS AHEAD" in concept.note
    assert "LOOKS AHEAD" in theme.note
    # boards that are new in the second list count from its date only
    late = concept.members.groupby("code")["in_date"].min()
    assert set(late.dt.strftime("%Y-%m-%d")) == {"2021-01-04", "2025-07-30"}
    priced = theme.index_prices.groupby("code").size()
    assert (priced == len(market.sessions)).all()
    assert {"000300.SH", "000905.SH", "000852.SH", "000922.SH", "000931.SH"} <= set(priced.index)


def test_the_checks_pass_and_tell(market):
    found = check_market(market)
    assert any("2021-08-10 +306%" in line for line in found)
    assert any("known of this data: ST is known to 2022-01-14" in line for line in found)
    assert any("symbols are not in stock_prices" in line for line in found)
    for name in market.pools:
        assert check_pool(market, name)


def test_statements_of_one_source(market):
    rows = market.table("financials")
    assert (len(rows), rows["symbol"].nunique()) == (24_455, 670)
    assert rows["operating_cash_flow"].isna().all()
    year = rows[(rows["symbol"] == "600519.SH") & (rows["period_end"] == "2018-12-31")].iloc[0]
    assert year["announce_date"] == pd.Timestamp("2019-03-29")
    assert year["revenue"] == pytest.approx(73.64e9, rel=1e-3)
    assert 0.08 < year["cost"] / year["revenue"] < 0.10
    assert any("5 rows left out, revenue is in another unit" in note for note in market.notes)


@pytest.mark.parametrize(
    ("name", "codes", "rows", "first", "last"),
    [
        ("citic_industries", 30, 79_732, "2015-01-05", "2025-12-31"),
        ("sw_industries", 31, 112_902, "2008-01-02", "2022-12-21"),
    ],
)
def test_published_industry_indices_alone(shared_data, name, codes, rows, first, last):
    market = real_market(shared_data, name)
    prices = market.pool("industry").index_prices
    assert (prices["code"].nunique(), len(prices)) == (codes, rows)
    assert [str(market.sessions[t]) for t in (0, -1)] == [first, last]
    assert market.table("benchmark")["date"].max() == pd.Timestamp(last)
    assert ("amount" in prices) == (name == "citic_industries")
    assert any("indices only" in line for line in check_market(market))
    assert market.pool("industry").names[prices["code"].iloc[0]]


@pytest.mark.slow
def test_industry_baskets_with_members_at_the_time(shared_data):
    market = real_market(shared_data, "sw_baskets")
    pool = market.pool("industry")
    inside = cover(pool.members, market.sessions, market.symbols)
    assert 780 <= inside.sum(axis=1).min() <= inside.sum(axis=1).max() <= 800
    told = cover(market.table("industry"), market.sessions, market.symbols)
    assert 290 <= told.sum(axis=1).min() <= told.sum(axis=1).max() <= 300
    assert not (told & ~inside).any()  # whose statements count is in its industry's index
    per_day = pool.index_prices.groupby("date").size()
    assert per_day[per_day.index < "2021-07-30"].median() == 28
    assert per_day[per_day.index >= "2021-09-01"].median() >= 29
    # the amount of an index is that of its members
    day = np.datetime64("2019-06-28")
    t = int(np.searchsorted(market.sessions, day))
    traded = np.nan_to_num(market.dense("amount")[t])[inside[t]].sum()
    assert pool.index_prices.query("date == @day")["amount"].sum() == pytest.approx(traded, rel=1e-3)
    for name, companies, known in (("sw_cash_quarterly", 2886, 0.97), ("sw_cash_annual", 3969, 0.99)):
        rows = real_market(shared_data, name).table("financials")
        assert rows["symbol"].nunique() == companies
        assert rows["operating_cash_flow"].notna().mean() > known


@pytest.mark.slow
def test_the_whole_sample(shared_data):
    market = real_market(shared_data)
    assert market.dense("close").shape == (2919, 2390)
    assert np.isfinite(market.dense("close")).sum() == 5_570_639
    suspended = market.dense("volume") == 0
    assert suspended.sum() == 128_406 + 25 + 2_396 + 835
    (moves,) = [line for line in check_market(market) if "adjusted moves" in line]
    for known in ("002506.SZ 2015-08-12 +986%", "000792.SZ 2021-08-10 +306%", "600733.SH 2018-09-27", "5 adjusted"):
        assert known in moves
    codes, _ = governing(market.table("industry"), "industry", market.sessions, market.symbols)
    t = int(np.searchsorted(market.sessions, np.datetime64("2015-01-05")))
    assert ((codes[t] >= 0) & np.isfinite(market.dense("close")[t])).sum() == 1536
