"""Random trades and orders with what happens to real ones: thin days, locked limits, orders that rest in part."""

import numpy as np

from fusion_factor.market.level2 import BAD_KINDS, BadRows, Orders, SessionTicks, Trades

KINDS = ("full", "full", "trades_only", "thin", "one_price", "locked", "no_opening", "equal_orders", "no_takers", "few")
LOCKED_AT = 1100


def random_ticks(session="2024-01-02", seed=0, n_symbols=20, trades=1500):
    """SessionTicks of `n_symbols`, each of the kinds in turn; every second one of Shanghai (only rests published)."""
    rng = np.random.default_rng([seed, *session.encode()])
    symbols = sorted(f"{600000 + i}.SH" if i % 2 else f"{i:06d}.SZ" for i in range(n_symbols))
    parts = [_symbol(rng, KINDS[i % len(KINDS)], symbol.endswith("SH"), trades) for i, symbol in enumerate(symbols)]
    return assembled(session, symbols, parts)


def assembled(session, symbols, parts):
    """SessionTicks from lists of plain rows: parts are pairs of trades and orders, one a symbol."""
    rows = [[row for part in parts for row in part[k]] for k in (0, 1)]
    first = [np.cumsum([0, *(len(part[k]) for part in parts)]) for k in (0, 1)]
    types = (
        (np.int32, np.int32, np.int64, np.int64, np.int64, np.int8),
        (np.int32, np.int32, np.int64, np.int64, np.int8),
    )
    columns = [[np.array([row[c] for row in rows[k]], dtype) for c, dtype in enumerate(types[k])] for k in (0, 1)]
    names = np.array(symbols, dtype=object)
    bad = BadRows(names, np.zeros((len(names), len(BAD_KINDS)), np.int64), np.diff(first[0]) + np.diff(first[1]))
    resting = np.array([name.endswith("SH") for name in symbols])
    return SessionTicks(
        np.datetime64(session), names, Trades(*columns[0]), first[0], Orders(*columns[1]), first[1], resting, bad
    )


def rows_of(ticks, s):
    """The plain rows of one symbol: lists of tuples of trades and of orders."""
    return [list(zip(*(c.tolist() for c in rows), strict=True)) for rows in (ticks.trades_of(s), ticks.orders_of(s))]


def _times(rng, kind, count):
    minutes = rng.integers(0, 240, count)
    if kind == "thin":
        minutes = rng.choice(rng.choice(240, 100, replace=False), count)
    elif kind == "no_opening":
        minutes = rng.integers(25, 240, count)
    ms = np.where(minutes < 120, 34_200_000, 46_800_000 - 120 * 60_000) + minutes * 60_000
    return np.sort(ms + rng.integers(0, 60_000, count))


def _symbol(rng, kind, resting, count):
    count = 8 if kind == "few" else count
    times = _times(rng, kind, count)
    cents = np.maximum(1000 + np.cumsum(rng.integers(-1, 2, count)), 900)
    side = rng.choice([1, -1], count)
    if kind == "one_price":
        cents[:] = LOCKED_AT
    elif kind == "locked":  # at the limit from the middle of the morning to the middle of the afternoon
        cents[(times > 36_000_000) & (times < 50_000_000)] = LOCKED_AT
    elif kind == "no_takers":
        side[:] = 0
    times[: count // 20], side[: count // 20] = 33_900_000, 0  # the opening auction
    times[-3:], side[-3:] = 54_000_300, 0
    shares = 100 * np.ceil(rng.lognormal(1, 1.2, count)).astype(int)
    # makers come before takers; an order trades several times
    maker, taker = rng.integers(1, count, count), count + rng.integers(1, count, count)
    if kind == "equal_orders":
        shares[:], maker, taker = 300, 1 + np.arange(count), 1 + count + np.arange(count)
    buy, sell = np.where(side > 0, taker, maker), np.where(side > 0, maker + 5 * count, taker + 5 * count)
    trades = list(zip(*(c.tolist() for c in (times, cents, shares, buy, sell, side)), strict=True))
    return trades, [] if kind == "trades_only" else _orders(rng, kind, resting, trades)


def _orders(rng, kind, resting, trades):
    """Every maker, takers as the exchange publishes them (a third rest in part), orders that never traded, some of them
    market orders."""
    taken, made = {}, {}
    for ms, cents, shares, buy, sell, side in trades:
        for order_id, way in ((buy, 1), (sell, -1)):
            known = (taken if way == side else made).setdefault((order_id, way), [ms, cents, 0])
            known[2] += shares
    orders = [
        (max(33_300_000, ms - 60_000), cents, shares, key[0], key[1]) for key, (ms, cents, shares) in made.items()
    ]
    for key, (ms, cents, shares) in taken.items():
        if key in made:
            continue
        if not resting:
            orders.append((ms, cents + key[1], shares, *key))
        elif rng.random() < 0.3:
            orders.append((ms + 10, cents + key[1], 100 * int(rng.integers(1, 9)), *key))
    for k in range(len(trades)):
        price = 0 if k % 7 == 0 else 950 + int(rng.integers(0, 99))
        size = 300 if kind == "equal_orders" else 100 * int(np.ceil(rng.lognormal(1, 1)))
        orders.append((33_300_000 + int(rng.integers(0, 20_000_000)), price, size, 10**6 + k, 1 if k % 2 else -1))
    return sorted(orders)
