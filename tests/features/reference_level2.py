"""The 12 exact level-2 factors written slowly and plainly from METHOD 2.2, 2.4 and 2.5, one symbol at a time.

Nothing here is taken from the compiled functions. Trades are (ms, cents, shares, buy id, sell id, side), orders (ms,
cents, shares, id, side), side +1, -1 or 0.
"""

import math

from reference_intraday import NAN, corr, kurt, skew

MORNING, NOON, AFTERNOON = 34_200_000, 41_400_000, 46_800_000


def minute(ms):
    """Position of the bar, labelled by its end; auctions belong to the first and the last."""
    if ms < MORNING:
        return 0
    if ms < AFTERNOON:
        return min((ms - MORNING) // 60_000, 119)
    return min(120 + (ms - AFTERNOON) // 60_000, 239)


def amount_of(trade):
    return trade[1] / 100 * trade[2]


def kept_trades(trades, limits):
    """Item 93: without the minutes whose only price is a limit of the session."""
    by_minute = {}
    for trade in trades:
        by_minute.setdefault(minute(trade[0]), set()).add(trade[1])
    locked = {j for j, prices in by_minute.items() if len(prices) == 1 and prices <= {x for x in limits if x > 0}}
    return [trade for trade in trades if minute(trade[0]) not in locked], locked


def order_amounts(trades):
    """For each side: order id to the sum of its trades."""
    bought, sold = {}, {}
    for trade in trades:
        bought[trade[3]] = bought.get(trade[3], 0.0) + amount_of(trade)
        sold[trade[4]] = sold.get(trade[4], 0.0) + amount_of(trade)
    return bought, sold


def log_amounts(trades, limits=(0, 0)):
    """ln(order amount) of all orders of both sides: what the threshold of later sessions is made of."""
    bought, sold = order_amounts(kept_trades(trades, limits)[0])
    return [math.log(x) for x in (*bought.values(), *sold.values())]


def threshold(past):
    """exp(m + s) over all log amounts of the past sessions; NaN with fewer than two."""
    logs = [x for session in past for x in session]
    if len(logs) < 2:
        return NAN
    m = sum(logs) / len(logs)
    s = math.sqrt(sum((x - m) ** 2 for x in logs) / len(logs))
    return math.exp(m + s)


def minute_returns(trades):
    """Returns of the 240 minutes; an empty one carries the price; the first counts from its own open."""
    close = {}
    for trade in trades:
        close[minute(trade[0])] = trade[1]
    last, returns = trades[0][1], []
    for j in range(240):
        now = close.get(j, last)
        returns.append(now / last - 1)
        last = now
    return returns


def entered(trades, orders, resting):
    """Orders as they were entered: (ms, cents, shares, side). Where only the rest is published, the parts that
    traded at once are added, and orders without a rest are found in their trades."""
    if not resting:
        return [(ms, cents, shares, side) for ms, cents, shares, _, side in orders]
    taken = {}
    for ms, cents, shares, buy, sell, side in trades:
        if side:
            key = (side, buy if side > 0 else sell)
            before = taken.get(key, (ms, cents, 0))
            worst = max(before[1], cents) if side > 0 else min(before[1], cents)
            taken[key] = (before[0], worst, before[2] + shares)
    found = []
    for ms, cents, shares, order_id, side in orders:
        first, _, more = taken.pop((side, order_id), (ms, 0, 0))
        found.append((min(first, ms), cents, shares + more, side))
    return found + [(ms, worst, shares, side) for (side, _), (ms, worst, shares) in taken.items()]


def factors(trades, orders, resting, big, limits=(0, 0), early=30):
    """All 12 factors by name; big: the threshold in CNY; limits: lowest and highest price in cents, 0 for none."""
    minutes = {minute(trade[0]) for trade in trades}
    if not trades or len(minutes) < 120 or len({trade[1] for trade in trades}) == 1:
        return {}
    out = trade_factors(trades, big, limits, early)
    if not orders:
        return out
    placed = entered(trades, orders, resting)
    buys = [(shares, cents) for _, cents, shares, side in placed if side > 0]
    sells = [shares for _, _, shares, side in placed if side < 0]
    quantities = [shares for shares, _ in buys]
    out["skew_order_diff"] = skew(quantities) - skew(sells) if buys and sells else NAN
    out["kurt_order_diff"] = kurt(quantities) - kurt(sells) if buys and sells else NAN
    if enough_early(trades, early):
        in_time = [shares for ms, _, shares, _ in placed if ms < MORNING + early * 60_000]
        out["early_kurt_order"] = kurt(in_time) if in_time else NAN
    out["corr_buyorder_volume_price"] = corr([pair for pair in buys if pair[1] > 0], 10)
    return out


def enough_early(trades, early):
    return len({minute(trade[0]) for trade in trades if minute(trade[0]) < early}) >= max(4, early / 2)


def trade_factors(trades, big, limits, early):
    returns = minute_returns(trades)
    kept, locked = kept_trades(trades, limits)
    bought, sold = order_amounts(kept)
    total = sum(amount_of(trade) for trade in kept)
    out, net = {}, [0.0] * 240
    for trade in kept:
        net[minute(trade[0])] += amount_of(trade) * trade[5]
    pairs = [j for j in range(239) if j + 1 != 120 and not {j, j + 1} & locked]
    out["corr_netactivebuy_lastret"] = corr([(net[j + 1], returns[j]) for j in pairs], 10)
    out["corr_netactivebuy_nextret"] = corr([(net[j], returns[j + 1]) for j in pairs], 10)
    if not total:
        return out
    squares = sum(x * x for x in bought.values()) - sum(x * x for x in sold.values())
    out["concentration_diff"] = squares / total**2
    known, in_time = big > 0, enough_early(trades, early)
    first = [trade for trade in kept if minute(trade[0]) < early]
    if known:
        large = [x for side in (bought, sold) for x in side.values() if x > big]
        out["bigorder_amt_perc"] = sum(large) / (2 * total)
    steps = []  # (minute, log step) of trades whose taker order is big
    for before, trade in zip([None, *kept], kept, strict=False):
        taker = bought[trade[3]] if trade[5] > 0 else sold[trade[4]] if trade[5] < 0 else 0.0
        if before is not None and known and taker > big:
            steps.append((minute(trade[0]), math.log(trade[1] / before[1])))
    if known:
        out["bigorder_ret2"] = sum(step for _, step in steps)
    if in_time and first:
        out["early_active_buy_perc"] = sum(amount_of(t) for t in first if t[5] > 0) / sum(map(amount_of, first))
        if known:
            out["early_active_bigorder_ret"] = sum(step for j, step in steps if j < early)
            buying = sum(amount_of(t) for t in first if bought[t[3]] > big)
            selling = sum(amount_of(t) for t in first if sold[t[4]] > big)
            out["early_bigorder_buy_perc"] = buying / (buying + selling) if buying + selling else NAN
    return out
