"""What a mapped market says up to a session T follows from files dated up to T: scramble the rest, nothing moves."""

import numpy as np
import pandas as pd
import pytest

from fusion_factor.core.spells import cover, governing
from fusion_factor.market import open_market

N, T, CUT = 14, 90, 60
SYMBOLS = [f"{600000 + 7 * i}.SH" for i in range(N)]
DAYS = pd.bdate_range("2023-01-02", periods=T)
LAST = DAYS[CUT]
CODES = ["x", "y", "z"]


def daily(rng):
    close = np.round(20 * np.exp(np.cumsum(rng.normal(0, 0.02, (T, N)), axis=0)), 2)
    frame = pd.DataFrame({"symbol": np.tile(SYMBOLS, T), "date": np.repeat(DAYS, N), "close": close.reshape(-1)})
    frame["open"] = np.round(frame["close"] * rng.uniform(0.99, 1.01, len(frame)), 2)
    frame["high"], frame["low"] = frame[["open", "close"]].max(axis=1), frame[["open", "close"]].min(axis=1)
    frame["volume"] = np.where(rng.random(len(frame)) < 0.03, np.nan, rng.integers(1, 9, len(frame)) * 1e4)
    frame["amount"] = frame["volume"] * frame["close"]
    frame["adj_factor"] = np.repeat(1 + 0.1 * (np.arange(T) > 30), N)
    frame["st"] = (rng.random(len(frame)) < 0.1).astype(int)
    return frame[rng.random(len(frame)) > 0.02].reset_index(drop=True)


def tables(rng):
    spells = pd.DataFrame({"symbol": np.repeat(SYMBOLS, 2), "in_date": [DAYS[0], DAYS[45]] * N, "industry": ""})
    spells["industry"] = rng.choice(CODES, len(spells))
    spells["out_date"] = [DAYS[45], pd.NaT] * N
    caps = pd.DataFrame(
        [(s, d, rng.uniform(1e9, 1e10)) for d in DAYS[::20] for s in SYMBOLS], columns=["symbol", "date", "cap"]
    )
    lists = pd.DataFrame([("L", s, d) for d in DAYS[[5, 30, 70]] for s in rng.choice(SYMBOLS, 6, replace=False)])
    lists.columns = ["code", "symbol", "date"]
    index = pd.DataFrame({"code": "L", "date": DAYS, "open": rng.uniform(90, 110, T)})
    index["close"] = index["open"] * 1.01
    index["high"], index["low"] = index["open"], index["open"] * 0.99  # closes lie outside and are clamped
    return {"daily": daily(rng), "industry": spells, "caps": caps, "lists": lists, "index": index}


def scrambled(given, rng):
    """The same files with everything dated after LAST replaced, and a stock, spells and lists that were not there."""
    made = {}
    for name, frame in given.items():
        when = "in_date" if "in_date" in frame else "date"
        late = frame[when] > LAST
        changed = frame[~late].copy()
        other = frame[late].sample(frac=0.7, random_state=1).copy()
        for column in other.columns.difference(["symbol", "code", "industry", when, "out_date"]):
            other[column] = np.nan_to_num(other[column].to_numpy(float)) * rng.uniform(1, 3) + 1
        if name == "industry":
            changed.loc[changed["out_date"].isna(), "out_date"] = DAYS[CUT + 3]
            new = {"symbol": ["600003.SH", SYMBOLS[2]], "industry": ["x", "z"], "in_date": DAYS[[CUT + 1, CUT + 2]]}
            other = pd.DataFrame(new | {"out_date": pd.NaT})
        if name == "daily":
            other["high"], other["low"], other["st"] = other["close"] * 9, 0.01, 1
            stranger = other[other["symbol"] == SYMBOLS[0]].assign(symbol="600003.SH")
            other = pd.concat([other, stranger])
        made[name] = pd.concat([changed, other], ignore_index=True)
    return made


def market(folder, given):
    folder.mkdir()
    for name, frame in given.items():
        frame.to_csv(folder / f"{name}.csv", index=False, date_format="%Y-%m-%d")
    pd.DataFrame({"date": DAYS}).to_csv(folder / "sessions.csv", index=False, date_format="%Y-%m-%d")
    same = {name: name for name in ("symbol", "date", "open", "high", "low", "close", "volume", "amount", "adj_factor")}
    index = {name: name for name in ("code", "date", "open", "high", "low", "close")}
    lists = {
        "path": "lists.csv",
        "columns": {c: c for c in ("code", "symbol", "date")},
        "spells": {"kind": "snapshots"},
    }
    return open_market(
        {
            "kind": "files",
            "folder": str(folder),
            "caps_fill": {"max_sessions": 40, "scale_by_close": True},
            "tables": {
                "sessions": {"path": "sessions.csv", "columns": {"date": "date"}},
                "stock_prices": {"path": "daily.csv", "columns": same},
                "industry": {
                    "path": "industry.csv",
                    "columns": {c: c for c in ("symbol", "industry", "in_date", "out_date")},
                },
                "caps": {"path": "caps.csv", "columns": {c: c for c in ("symbol", "date", "cap")}},
                "st": {
                    "path": "daily.csv",
                    "columns": {"symbol": "symbol", "date": "date"},
                    "where": [{"column": "st", "equals": 1}],
                    "spells": {"kind": "runs"},
                },
            },
            "pools": {
                "industry": {"members": "industry", "baskets": {"weights": "cap", "min_history": 10}},
                "lists": {"members": lists, "prices": {"path": "index.csv", "columns": index}},
            },
        }
    )


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    base = tmp_path_factory.mktemp("pit")
    given = tables(np.random.default_rng(3))
    return market(base / "a", given), market(base / "b", scrambled(given, np.random.default_rng(4)))


def until(frame, column="date"):
    return frame[frame[column] <= LAST].reset_index(drop=True)


def test_daily_prices_and_caps_up_to_t_do_not_move(pair):
    first, second = pair
    assert len(second.symbols) == len(first.symbols) + 1
    for name in ("stock_prices", "caps"):
        pd.testing.assert_frame_equal(until(first.table(name)), until(second.table(name)), check_exact=True)
    assert not first.table("stock_prices").equals(second.table("stock_prices"))


def test_st_and_industry_up_to_t_do_not_move(pair):
    first = pair[0]
    days, symbols = first.sessions[: CUT + 1], first.symbols
    covers = [cover(m.table("st"), m.sessions, symbols)[: CUT + 1] for m in pair]
    np.testing.assert_array_equal(*covers)
    assert covers[0].any()
    kinds = [governing(m.table("industry"), "industry", days, symbols) for m in pair]
    np.testing.assert_array_equal(kinds[0][1][kinds[0][0]], kinds[1][1][kinds[1][0]])


@pytest.mark.parametrize("name", ["industry", "lists"])
def test_pools_up_to_t_do_not_move_in_a_single_bit(pair, name):
    first, second = (m.pool(name) for m in pair)
    early = until(first.index_prices)
    pd.testing.assert_frame_equal(early, until(second.index_prices), check_exact=True)
    assert len(early) > 50
    assert not first.index_prices.equals(second.index_prices)
    for code in set(early["code"]):
        both = [p.members[p.members["code"] == code] for p in (first, second)]
        insides = [cover(rows, pair[0].sessions, pair[0].symbols)[: CUT + 1] for rows in both]
        np.testing.assert_array_equal(*insides)
