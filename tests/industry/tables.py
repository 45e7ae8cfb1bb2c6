"""A small market for industry factors: prices with holes, versions of statements, late filers, stale forecasts."""

import numpy as np
import pandas as pd

INDUSTRIES = ["bank", "chip", "coal", "drug", "food", "steel"]
STOCKS = [f"{n:06d}.SH" for n in range(30)]
SESSIONS = pd.bdate_range("2018-01-01", "2021-06-30")


def tables(seed: int = 0) -> dict[str, pd.DataFrame]:
    """All tables of section 0 that industry factors read."""
    rng = np.random.default_rng(seed)
    return {
        "sessions": pd.DataFrame({"date": SESSIONS}),
        "index_prices": _prices(rng),
        "benchmark": pd.DataFrame({"date": SESSIONS, "close": _path(rng)}),
        "industry": _industry(rng),
        "consensus": _consensus(rng),
        "financials": _financials(rng),
    }


def events(seed: int = 0) -> pd.DataFrame:
    """Revisions of the stocks, several on some days."""
    rng = np.random.default_rng(seed)
    dates = rng.choice(SESSIONS, 900)
    return pd.DataFrame({"date": dates, "symbol": rng.choice(STOCKS, 900), "direction": rng.integers(-1, 2, 900)})


def _path(rng: np.random.Generator) -> np.ndarray:
    return 1000 * np.exp(np.cumsum(rng.normal(0, 0.01, len(SESSIONS))))


def _prices(rng: np.random.Generator) -> pd.DataFrame:
    parts = []
    for code in INDUSTRIES:
        close, amount = _path(rng), rng.lognormal(10, 0.5, len(SESSIONS))
        close[rng.random(len(close)) < 0.002] = np.nan
        amount[rng.random(len(close)) < 0.002] = np.nan
        parts.append(pd.DataFrame({"code": code, "date": SESSIONS, "open": np.nan, "close": close, "amount": amount}))
    return pd.concat(parts, ignore_index=True)


def _industry(rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for n, symbol in enumerate(STOCKS):
        first = INDUSTRIES[n % len(INDUSTRIES)]
        moves = rng.random() < 0.3
        rows.append((symbol, first, "2018-01-01", "2020-05-15" if moves else ""))
        if moves:
            rows.append((symbol, str(rng.choice(INDUSTRIES)), "2020-05-15", ""))
    return pd.DataFrame(rows, columns=["symbol", "industry", "in_date", "out_date"])


def _consensus(rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for symbol in STOCKS:
        for year in range(2017, 2023):
            for date in pd.date_range("2018-01-03", "2021-06-20", freq="37D"):
                if rng.random() < 0.6:
                    rows.append((date, symbol, year, float(rng.integers(-50, 500)) * 1e6))
    return pd.DataFrame(rows, columns=["date", "symbol", "fiscal_year", "net_profit"])


def _financials(rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for symbol in STOCKS:
        for year in range(2014, 2021):
            total = np.zeros(4)
            for end in ("03-31", "06-30", "09-30", "12-31"):
                total = total + rng.integers([-20, -40, 100, 60], [60, 80, 200, 150]) * 1e6
                announced = pd.Timestamp(f"{year}-{end}") + pd.Timedelta(days=int(rng.integers(10, 120)))
                rows.append((symbol, f"{year}-{end}", announced, *total))
                if rng.random() < 0.2:  # a restatement, sometimes with an empty field
                    again = np.where(rng.random(4) < 0.1, np.nan, total * 1.05)
                    rows.append(
                        (symbol, f"{year}-{end}", announced + pd.Timedelta(days=int(rng.integers(1, 200))), *again)
                    )
    names = ["net_profit", "operating_cash_flow", "revenue", "cost"]
    return pd.DataFrame(rows, columns=["symbol", "period_end", "announce_date", *names])
