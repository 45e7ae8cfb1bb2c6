"""The same 27 factors written the plain way, in numpy and in pandas, for benchmarks/intraday_factors.py.

Both take full 1-minute bars (no empty ones), so that neither needs the rules of missing values, and give [S, 27] in the
order of `huatai27`. The numpy version works on whole [S, 240] arrays with argpartition; the pandas version on the long
table with vectorised groupby, no `apply`.
"""

import numpy as np
import pandas as pd

from fusion_factor.market.store import SessionBars

FIELDS = ("open", "high", "low", "close", "volume", "amount")


def session_bars(n_symbols: int, n_bars: int = 240, seed: int = 0) -> SessionBars:
    """Random full bars: float32 [S, B], prices in ticks, volume lognormal and U-shaped over the day."""
    rng = np.random.default_rng(seed)
    shape = (n_symbols, n_bars)
    start = np.exp(rng.normal(2.7, 0.8, (n_symbols, 1)))
    close = np.round(start * np.exp(np.cumsum(rng.normal(0, 0.001, shape), axis=1)), 2) + 0.01
    open_ = np.concatenate([close[:, :1], close[:, :-1]], axis=1) + rng.choice([-0.01, 0, 0.01], shape)
    high = np.maximum(open_, close) + rng.choice([0, 0.01], shape)
    low = np.minimum(open_, close) - rng.choice([0, 0.01], shape)
    day = 1.0 + 2.0 * np.linspace(-1, 1, n_bars) ** 2
    volume = 100 * np.ceil(day * rng.lognormal(3, 1, shape) * rng.lognormal(0, 1, (n_symbols, 1)))
    price = (open_ + close) / 2 + rng.uniform(-0.004, 0.004, shape)  # few equal amounts
    fields = [np.ascontiguousarray(x, np.float32) for x in (open_, high, low, close, volume, volume * price)]
    symbols = np.array([f"{600000 + i}.SH" for i in range(n_symbols)], dtype=object)
    return SessionBars(np.datetime64("2024-01-02") + seed, symbols, *fields)


def with_empty_bars(bars: SessionBars, share_of_symbols: float = 0.3, share_of_bars: float = 0.05) -> SessionBars:
    """The same with some symbols missing some bars, as thinly traded ones do."""
    rng = np.random.default_rng(1)
    thin = rng.random((len(bars.symbols), 1)) < share_of_symbols
    empty = thin & (rng.random(bars.close.shape) < share_of_bars)
    fields = [np.where(empty, np.float32(0), getattr(bars, name)) for name in FIELDS]
    return SessionBars(bars.session, bars.symbols, *fields)


def corr(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Correlation of each row."""
    x = x - np.nanmean(x, axis=1, keepdims=True)
    y = y - np.nanmean(y, axis=1, keepdims=True)
    return np.nansum(x * y, axis=1) / np.sqrt(np.nansum(x * x, axis=1) * np.nansum(y * y, axis=1))


def moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Skewness and excess kurtosis of each row, NaN left out."""
    d = x - np.nanmean(x, axis=1, keepdims=True)
    square = d * d
    m2 = np.nanmean(square, axis=1)
    return np.nanmean(square * d, axis=1) / m2**1.5, np.nanmean(square * square, axis=1) / m2**2 - 3


def largest(x: np.ndarray, share: float) -> np.ndarray:
    """Mask of each row's largest values."""
    count = int(np.ceil(share * x.shape[1] - 1e-9))
    mask = np.zeros(x.shape, bool)
    np.put_along_axis(mask, np.argpartition(-x, count - 1, axis=1)[:, :count], True, axis=1)
    return mask


def numpy_factors(bars: SessionBars) -> np.ndarray:
    """The 27 factors of full 1-minute bars by whole-array numpy, [S, 27]."""
    o, h, low, p, v, a = (getattr(bars, name).astype(np.float64) for name in FIELDS)
    n = p.shape[1]
    r = np.concatenate([p[:, :1] / o[:, :1] - 1, p[:, 1:] / p[:, :-1] - 1], axis=1)
    first = np.delete(np.arange(n - 1), n // 2 - 1)
    up, down, total_v, total_a = r > 0, r < 0, v.sum(axis=1), a.sum(axis=1)
    b = np.where(h > low, (p - low) / np.where(h > low, h - low, 1), 0.5)
    net = a * (2 * b - 1)
    big, early = largest(a, 0.3), slice(0, n // 8)
    edge = np.percentile(a[:, early], 70, axis=1, keepdims=True)
    early_big = a[:, early] >= edge
    skew_up, kurt_up = moments(np.where(up, v, np.nan))
    skew_down, kurt_down = moments(np.where(down, v, np.nan))
    shares = v.reshape(len(v), 8, -1).sum(axis=2) / total_v[:, None]
    columns = [
        moments(r[:, -n // 8 :])[0],
        np.sum(r * r * down, axis=1) / np.sum(r * r, axis=1),
        corr(r[:, first], r[:, first + 1]),
        corr(p[:, first], o[:, first + 1]),
        *(shares[:, k] for k in range(1, 7)),
        corr(v, np.abs(r)),
        corr(v[:, early], r[:, early]),
        np.prod(np.where(big, 1 + r, 1), axis=1) - 1,
        (np.sum(a * down, axis=1) / down.sum(axis=1)) / (total_a / n),
        corr(v, (h - low) / o),
        np.sum(a * largest(a, 0.2), axis=1) / total_a,
        np.sum(a[:, early] * b[:, early] * early_big, axis=1) / np.sum(a[:, early] * early_big, axis=1),
        np.sum(np.log1p(r) * largest(a, 0.1), axis=1),
        np.sum(np.log1p(r[:, early]) * early_big, axis=1),
        (np.sum(a * a * up, axis=1) - np.sum(a * a * down, axis=1)) / total_a**2,
        np.sum(a[:, early] * b[:, early], axis=1) / np.sum(a[:, early], axis=1),
        corr(r[:, first], net[:, first + 1]),
        corr(net[:, first], r[:, first + 1]),
        skew_up - skew_down,
        kurt_up - kurt_down,
        moments(v[:, early])[1],
        corr(np.where(up, v, np.nan), np.where(up, a / v, np.nan)),
    ]
    return np.stack(columns, axis=1)


def long_table(bars: SessionBars) -> pd.DataFrame:
    """The bars as a long table: a row a symbol and bar."""
    n_symbols, n_bars = bars.close.shape
    columns = {name: getattr(bars, name).astype(np.float64).ravel() for name in FIELDS}
    keys = {"symbol": np.repeat(np.arange(n_symbols), n_bars), "bar": np.tile(np.arange(n_bars), n_symbols)}
    return pd.DataFrame(keys | columns)


class _Grouped:
    """Sums, correlations and moments by symbol of columns of one long table; a mask leaves rows out."""

    def __init__(self, symbol: pd.Series) -> None:
        self.symbol = symbol

    def total(self, x: pd.Series, mask: pd.Series | None = None) -> pd.Series:
        return (x if mask is None else x.where(mask, 0.0)).groupby(self.symbol).sum()

    def centred(self, x: pd.Series, mask: pd.Series | None) -> pd.Series:
        kept = x if mask is None else x.where(mask)
        return (kept - kept.groupby(self.symbol).transform("mean")).fillna(0.0)

    def corr(self, x: pd.Series, y: pd.Series, mask: pd.Series | None = None) -> pd.Series:
        x, y = self.centred(x, mask), self.centred(y, mask)
        return self.total(x * y) / np.sqrt(self.total(x * x) * self.total(y * y))

    def moments(self, x: pd.Series, mask: pd.Series) -> tuple[pd.Series, pd.Series]:
        count = mask.groupby(self.symbol).sum()
        d = self.centred(x, mask)
        square = d * d
        m2, m3, m4 = (self.total(power) / count for power in (square, square * d, square * square))
        return m3 / m2**1.5, m4 / m2**2 - 3


def pandas_factors(table: pd.DataFrame, n_bars: int = 240) -> np.ndarray:
    """The 27 factors by vectorised groupby, [S, 27]."""
    symbol, bar = table["symbol"], table["bar"]
    o, h, low, p, v, a = (table[name] for name in FIELDS)
    group = _Grouped(symbol)
    r = p / p.groupby(symbol).shift().fillna(o) - 1
    following = {name: x.groupby(symbol).shift(-1) for name, x in (("r", r), ("o", o))}
    linked = (bar != n_bars // 2 - 1) & (bar != n_bars - 1)
    up, down, growth = r > 0, r < 0, np.log1p(r)
    span = (h - low).where(h > low, 1.0)
    b = ((p - low) / span).where(h > low, 0.5)
    net = a * (2 * b - 1)
    net_next = net.groupby(symbol).shift(-1)
    early, late = bar < n_bars // 8, bar >= n_bars - n_bars // 8
    place = a.groupby(symbol).rank(ascending=False, method="first")
    big30, big20, big10 = (place <= np.ceil(share * n_bars - 1e-9) for share in (0.3, 0.2, 0.1))
    edge = a[early].groupby(symbol[early]).quantile(0.7)
    early_big = early & (a >= symbol.map(edge))
    total_v, total_a = group.total(v), group.total(a)
    shares = v.groupby([symbol, bar // (n_bars // 8)]).sum().unstack().div(total_v, axis=0)
    skew_up, kurt_up = group.moments(v, up)
    skew_down, kurt_down = group.moments(v, down)
    columns = [
        group.moments(r, late)[0],
        group.total(r * r, down) / group.total(r * r),
        group.corr(r, following["r"], linked),
        group.corr(p, following["o"], linked),
        *(shares[k] for k in range(1, 7)),
        group.corr(v, r.abs()),
        group.corr(v, r, early),
        np.expm1(group.total(growth, big30)),
        group.total(a, down) / down.groupby(symbol).sum() / (total_a / n_bars),
        group.corr(v, (h - low) / o),
        group.total(a, big20) / total_a,
        group.total(a * b, early_big) / group.total(a, early_big),
        group.total(growth, big10),
        group.total(growth, early_big),
        (group.total(a * a, up) - group.total(a * a, down)) / total_a**2,
        group.total(a * b, early) / group.total(a, early),
        group.corr(r, net_next, linked),
        group.corr(net, following["r"], linked),
        skew_up - skew_down,
        kurt_up - kurt_down,
        group.moments(v, early)[1],
        group.corr(v, a / v, up),
    ]
    return np.stack([column.to_numpy() for column in columns], axis=1)
