"""Random intraday bars with everything that happens to real ones: empty bars, halves of sessions, locked limits."""

import numpy as np

from fusion_factor.market.store import SessionBars


def random_bars(n_symbols, n_bars, seed=0, session="2024-01-02", awkward=True):
    """SessionBars [S, B]; with `awkward`, the rows take turns in being thin, halted, locked, flat, or full."""
    rng = np.random.default_rng(seed)
    shape = (n_symbols, n_bars)
    close = np.round(rng.uniform(3, 90, (n_symbols, 1)) * np.exp(np.cumsum(rng.normal(0, 0.002, shape), axis=1)), 2)
    open_ = np.concatenate([close[:, :1], close[:, :-1]], axis=1) + rng.choice([-0.02, 0, 0, 0.01], shape)
    high = np.maximum(open_, close) + rng.choice([0, 0, 0.01, 0.03], shape)
    low = np.minimum(open_, close) - rng.choice([0, 0, 0.01, 0.03], shape)
    volume = 100.0 * np.ceil(rng.lognormal(4, 1, shape))
    amount = volume * (open_ + close) / 2
    if awkward:
        for i in range(n_symbols):
            _make_awkward(i % 12, rng, open_[i], high[i], low[i], close[i], volume[i], amount[i])
    trades = np.ceil(volume / rng.uniform(200, 900, shape))

    def field(values):
        return np.ascontiguousarray(values, dtype=np.float32)

    symbols = np.array([f"{600000 + i}.SH" for i in range(n_symbols)], dtype=object)
    fields = map(field, (open_, high, low, close, volume, amount))
    return SessionBars(np.datetime64(session), symbols, *fields, trades=field(trades))


def _make_awkward(kind, rng, open_, high, low, close, volume, amount):
    n = len(close)
    prices = (open_, high, low, close)
    empty = np.zeros(n, bool)
    if kind in (1, 2):  # thin: some, or about half of the bars
        empty = rng.random(n) < (0.2 if kind == 1 else 0.5)
    elif kind == 3:  # nothing in the morning
        empty[: n // 2] = True
    elif kind == 4:  # nothing in the afternoon
        empty[n // 2 :] = True
    elif kind == 5:  # suspended
        empty[:] = True
    elif kind == 6:  # locked at one price, with volume
        for price in prices:
            price[:] = 11.0
        amount[:] = volume * 11.0
    elif kind == 7:  # locked from the first half hour on
        for price in prices:
            price[n // 8 :] = price[n // 8]
    elif kind == 8:  # equal volumes and amounts: ties, and no variance
        volume[:] = 700.0
        amount[:] = 7000.0
    elif kind == 9:  # only rises
        close[:] = 10 + 0.01 * np.arange(n)
        open_[:], high[:], low[:] = close, close + 0.01, close - 0.01
    elif kind == 10:  # first bars empty, and the price of empty bars not given
        empty[: n // 10 + 1] = True
    volume[empty] = 0.0
    amount[empty] = 0.0
    for price in prices:
        if kind in (2, 10):
            price[empty] = np.nan
        elif empty.any():
            price[empty] = 17.0  # carried from somewhere: must not be read
