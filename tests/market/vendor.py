"""A vendor's folder of daily files, day after day, for the tests of the store."""

import numpy as np
import pandas as pd

from fusion_factor.market.files import FilesMarket

DAYS = pd.to_datetime(["2023-01-03", "2023-01-04", "2023-01-05", "2023-01-06", "2023-01-09"])
SYMBOLS = ("000001.SZ", "600000.SH", "600001.SH")
N_BARS = 16
STAMPS = [*range(585, 691, 15), *range(795, 901, 15)]


def write_vendor(folder, days=DAYS, symbols=SYMBOLS, *, base=1.0, st_until=None, seed=1):
    """Files of some sessions: daily/<day>.parquet, bars/<day>.parquet and the lists. base: of the factors."""
    for name in ("daily", "bars"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for day in days:
        daily_rows(day, symbols, base, seed).to_parquet(folder / "daily" / f"{day:%Y-%m-%d}.parquet")
        bar_rows(day, symbols, seed).to_parquet(folder / "bars" / f"{day:%Y-%m-%d}.parquet")
    stocks = pd.DataFrame({"symbol": SYMBOLS, "list_date": pd.Timestamp("2010-01-04"), "delist_date": pd.NaT})
    stocks.astype({"delist_date": "datetime64[s]"}).to_parquet(folder / "stocks.parquet")
    st = pd.DataFrame({"symbol": SYMBOLS[1:2], "in_date": DAYS[:1], "out_date": [st_until]})
    st.astype({"out_date": "datetime64[s]"}).to_parquet(folder / "st.parquet")
    members = pd.DataFrame({"code": "T1", "symbol": SYMBOLS, "in_date": DAYS[0], "out_date": pd.NaT})
    members.astype({"out_date": "datetime64[s]"}).to_parquet(folder / "members.parquet")
    index = [{"code": "T1", "date": day, "open": 100 + day.day, "close": 100.5 + day.day} for day in days]
    pd.DataFrame(index).to_parquet(folder / "index.parquet")
    return folder


def random(day, seed):
    return np.random.default_rng([int(day.day_of_year), seed])


def daily_rows(day, symbols, base, seed):
    rng = random(day, seed)
    close = np.round(10 + rng.normal(0, 0.2, len(SYMBOLS)), 2)
    volume = 100.0 * rng.integers(50, 90, len(SYMBOLS))
    rows = pd.DataFrame({"symbol": SYMBOLS, "date": day, "open": close, "high": close + 0.1, "low": close - 0.1})
    factor = base * np.where(day >= DAYS[2], 1.1, 1.0)
    rows = rows.assign(close=close, volume=volume, amount=volume * close, adj_factor=factor)
    return rows[rows["symbol"].isin(symbols)]


def bar_rows(day, symbols, seed):
    rng = random(day, seed)
    close = np.round(10 + rng.normal(0, 0.2, len(SYMBOLS)), 2)
    volume = 100.0 * rng.integers(50, 90, len(SYMBOLS))
    parts = []
    for i, symbol in enumerate(SYMBOLS):
        rows = pd.DataFrame({"symbol": symbol, "time": [day + pd.Timedelta(minutes=stamp) for stamp in STAMPS]})
        rows = rows.assign(open=close[i], high=close[i], low=close[i], close=close[i])
        parts.append(rows.assign(volume=volume[i] / N_BARS, amount=volume[i] * close[i] / N_BARS))
    # the last bar of the second stock has no trade and no price
    parts[1].loc[N_BARS - 1, ["open", "high", "low", "close"]] = np.nan
    parts[1].loc[N_BARS - 1, ["volume", "amount"]] = 0.0
    rows = pd.concat(parts)
    return rows[rows["symbol"].isin(symbols)]


def config(folder, **changes):
    spells = {name: name for name in ("symbol", "in_date", "out_date")}
    daily = ("symbol", "date", "open", "high", "low", "close", "volume", "amount", "adj_factor")
    bars = ("symbol", "open", "high", "low", "close", "volume", "amount")
    return {
        "kind": "files",
        "folder": str(folder),
        "cache": None,
        "tables": {
            "stock_prices": {"path": "daily/*.parquet", "columns": {name: name for name in daily}},
            "stocks": {"path": "stocks.parquet", "columns": {n: n for n in ("symbol", "list_date", "delist_date")}},
            "st": {"path": "st.parquet", "columns": spells},
        },
        "bars": {
            "path": "bars/{date}.parquet",
            "minutes": 15,
            "label": "end",
            "columns": {**{name: name for name in bars}, "datetime": "time"},
        },
        "pools": {
            "theme": {
                "members": [{"path": "members.parquet", "columns": {**spells, "code": "code"}}],
                "prices": [{"path": "index.parquet", "columns": {n: n for n in ("code", "date", "open", "close")}}],
                "note": "dated",
            }
        },
        **changes,
    }


def vendor(folder, **changes):
    return FilesMarket(config(folder, **changes))
