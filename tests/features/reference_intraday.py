"""The intraday factors written slowly and plainly from their definitions, one symbol and one session at a time.

Nothing here is taken from the compiled functions: lists, numpy's own mean, and the definitions of docs/factors.md, read
from top to bottom.
"""

import math

import numpy as np

NAN = math.nan


def moment(x, k):
    mean = np.mean(x)
    return np.mean((x - mean) ** k)


def skew(x, least=2):
    x = np.asarray(x, float)
    return NAN if len(x) < least or np.ptp(x) == 0 else moment(x, 3) / moment(x, 2) ** 1.5


def kurt(x, least=2):
    x = np.asarray(x, float)
    return NAN if len(x) < least or np.ptp(x) == 0 else moment(x, 4) / moment(x, 2) ** 2 - 3


def corr(pairs, least):
    if len(pairs) < least:
        return NAN
    x, y = np.array(pairs, float).T
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return NAN
    return np.mean((x - x.mean()) * (y - y.mean())) / math.sqrt(moment(x, 2) * moment(y, 2))


class Session:
    """Of a session's J bars: minutes a bar, bars before the first half hour, half hours, the first bar after a break
    (None without), and the minutes of the early and late window."""

    def __init__(self, minutes, first=0, half_hours=8, noon="middle", early=30, late=30):
        self.minutes, self.first, self.half_hours, self.early, self.late = minutes, first, half_hours, early, late
        self.noon = first + half_hours * 30 // minutes // 2 if noon == "middle" else noon


class Bars:
    """Cleaned bars of one symbol: rule 89 (empty bars), rule 84 (returns), proxies' ingredients."""

    def __init__(self, raw, session=None):
        self.session = session or Session({240: 1, 48: 5, 16: 15}[len(raw[0])])
        o, h, low, p, v, a, n = (list(map(float, field)) for field in raw)
        self.J = len(p)
        good = [all(math.isfinite(x) and x > 0 for x in (o[j], h[j], low[j], p[j], v[j], a[j])) for j in range(self.J)]
        self.valid = good
        if any(good):
            last = o[good.index(True)]
            for j in range(self.J):
                if good[j]:
                    last = p[j]
                else:
                    o[j] = h[j] = low[j] = p[j] = last
                    v[j] = a[j] = n[j] = 0.0
        self.o, self.h, self.low, self.p, self.v, self.a, self.n = o, h, low, p, v, a, n
        self.r = [p[0] / o[0] - 1] + [0.0 if p[j] == p[j - 1] else p[j] / p[j - 1] - 1 for j in range(1, self.J)]
        self.b = [0.5 if h[j] == low[j] else (p[j] - low[j]) / (h[j] - low[j]) for j in range(self.J)]
        self.nb = [a[j] * (2 * self.b[j] - 1) for j in range(self.J)]

    def window(self, k, count=1):
        """Positions of the bars that end in half hours k .. k + count - 1 (k from 1)."""
        bars = 30 // self.session.minutes
        return [self.session.first + j for j in range((k - 1) * bars, (k - 1 + count) * bars)]

    def opening(self, minutes):
        """Positions of the bars of the first minutes of continuous trading."""
        return [self.session.first + j for j in range(minutes // self.session.minutes)]

    def closing(self, minutes):
        """Positions of the bars of the last minutes, a closing auction's bar with them."""
        trading = self.session.half_hours * 30 // self.session.minutes
        return list(range(self.session.first + trading - minutes // self.session.minutes, self.J))

    def enough(self, window):
        valid = sum(self.valid[j] for j in window)
        return valid >= len(window) / 2 and (len(window) < 4 or valid >= 4)

    def lagged(self):
        """Neighbouring positions (j, j + 1) that do not span lunch."""
        return [(j, j + 1) for j in range(self.J - 1) if j + 1 != self.session.noon]

    def largest(self, share, values):
        """The share of valid bars with the largest values, rounded up; earlier bars first among equals."""
        count = max(1, math.ceil(round(share * sum(self.valid), 9)))
        order = sorted(range(self.J), key=lambda j: (-values[j], j))
        return sorted(order[:count])


def factors(raw, session=None):
    """All factors of one symbol's session by name. raw: 7 rows [J] (o, h, l, c, v, a, n)."""
    s = Bars(raw, session)
    session = s.session
    one_price = any(s.valid) and max(s.h) == min(s.low)
    if sum(s.valid) == 0 or sum(s.valid) < s.J / 2 or one_price:
        return {}
    minutes = session.minutes
    least = {1: 10, 5: 8, 15: 6}[minutes]
    least_early = {1: 10, 5: 4, 15: 4}[minutes]
    least_side = {1: 20, 5: 8, 15: 5}[minutes]
    W1 = s.opening(session.early)
    E = s.opening(max(session.early, 60)) if minutes == 15 else W1
    L = s.closing(max(session.late, 60)) if minutes == 15 else s.closing(session.late)
    E_wide = W1 if minutes == 1 else s.opening(max(session.early, 60))
    every, J = s.lagged(), range(s.J)
    up, down = [j for j in J if s.r[j] > 0], [j for j in J if s.r[j] < 0]
    V, A, N = sum(s.v), sum(s.a), sum(s.n)
    out = {}
    out["late_skew_ret"] = skew([s.r[j] for j in L]) if s.enough(L) else NAN
    squares = sum(r * r for r in s.r)
    out["down_vol_perc"] = sum(s.r[j] ** 2 for j in down) / squares if squares else NAN
    out["corr_ret_lastret"] = corr([(s.r[j], s.r[i]) for i, j in every], least)
    out["corr_close_nextopen"] = corr([(s.p[i], s.o[j]) for i, j in every], least)
    for k in range(2, min(8, session.half_hours + 1)):
        out[f"volume_perc{k}"] = sum(s.v[j] for j in s.window(k)) / V if s.enough(s.window(k)) else NAN
    out["corr_volume_item_px"] = corr([(s.v[j], abs(s.r[j])) for j in J], least)
    out["early_corr_volume_ret"] = corr([(s.v[j], s.r[j]) for j in E], least_early) if s.enough(E) else NAN
    out["bigorder_ret_px"] = np.prod([1 + s.r[j] for j in s.largest(0.3, s.a)]) - 1
    out["down_single_amt_perc_px"] = (sum(s.a[j] for j in down) / len(down)) / (A / sum(s.valid)) if down else NAN
    out["corr_volume_amplitude"] = corr([(s.v[j], (s.h[j] - s.low[j]) / s.o[j]) for j in J], least)
    out["bigorder_amt_perc_px"] = sum(s.a[j] for j in s.largest(0.2, s.a)) / A
    big = [j for j in W1 if s.a[j] >= np.percentile([s.a[j] for j in W1], 70) * (1 - 1e-15)]
    if s.enough(W1):
        out["early_bigorder_buy_perc_px"] = sum(s.a[j] * s.b[j] for j in big) / sum(s.a[j] for j in big)
        out["early_active_bigorder_ret_px"] = sum(math.log1p(s.r[j]) for j in big)
        out["early_active_buy_perc_px"] = sum(s.a[j] * s.b[j] for j in W1) / sum(s.a[j] for j in W1)
    out["bigorder_ret2_px"] = sum(math.log1p(s.r[j]) for j in s.largest(0.1, s.a))
    out["concentration_diff_px"] = (sum(s.a[j] ** 2 for j in up) - sum(s.a[j] ** 2 for j in down)) / A**2
    out["corr_netactivebuy_lastret_px"] = corr([(s.nb[j], s.r[i]) for i, j in every], least)
    out["corr_netactivebuy_nextret_px"] = corr([(s.nb[i], s.r[j]) for i, j in every], least)
    rising, falling = [s.v[j] for j in up], [s.v[j] for j in down]
    out["skew_order_diff_px"] = skew(rising, least_side) - skew(falling, least_side)
    out["kurt_order_diff_px"] = kurt(rising, least_side) - kurt(falling, least_side)
    out["early_kurt_order_px"] = kurt([s.v[j] for j in E_wide]) if s.enough(E_wide) else NAN
    out["corr_buyorder_volume_price_px"] = corr([(s.v[j], s.a[j] / s.v[j]) for j in up], max(least, least_side))
    out |= open27(s, out, least)
    if all(s.n[j] > 0 for j in J if s.valid[j]):
        out["corr_volume_item"] = corr([(s.v[j], s.n[j]) for j in J], least)
        n_down = sum(s.n[j] for j in down)
        out["down_single_amt_perc"] = (sum(s.a[j] for j in down) / n_down) / (A / N) if down else NAN
        ticket = [float(np.float32(s.a[j]) / np.float32(s.n[j])) if s.valid[j] else 0.0 for j in J]
        out["bigorder_ret"] = np.prod([1 + s.r[j] for j in s.largest(0.3, ticket)]) - 1
    return out


def open27(s, out, least):
    """METHOD 2.6, nos. 13 to 27."""
    J, V, A = range(s.J), sum(s.v), sum(s.a)
    valid = [j for j in J if s.valid[j]]
    more = {"big_amount_ret": out["bigorder_ret_px"], "down_amt_ratio": out["down_single_amt_perc_px"]}
    more["realised_vol"] = math.sqrt(sum(r * r for r in s.r))
    more["ret_skew"], more["ret_kurt"] = skew(s.r), kurt(s.r)
    W8 = s.closing(30)
    more["tail_volume_share"] = sum(s.v[j] for j in W8) / V if s.enough(W8) else NAN
    path = abs(s.p[0] - s.o[0]) + sum(abs(s.p[j] - s.p[j - 1]) for j in J if j > 0)
    more["trend_strength"] = (s.p[-1] - s.o[0]) / path if path else NAN
    more["improved_reversal"] = s.p[-1] / s.p[s.window(1)[-1]] - 1
    shortest = [(2 * (s.h[j] - s.low[j]) - abs(s.p[j] - s.o[j])) / s.o[j] / s.a[j] for j in valid]
    more["shortcut_illiq"] = 1e8 * sum(shortest) / len(valid)
    more["smart_q"] = smart_q(s, V, A)
    more["price_volume_corr"] = corr([(s.p[j], s.v[j]) for j in J], least)
    bottom, top = min(s.low), max(s.h)
    middle = np.mean([(s.o[j] + s.h[j] + s.low[j] + s.p[j]) / 4 for j in J])
    more["arpp"] = (middle - bottom) / (top - bottom)
    more["apb"] = math.log(np.mean([s.a[j] / s.v[j] for j in valid]) / (A / V))
    more["vol_time_center"] = sum((j + 0.5) / s.J * s.v[j] for j in J) / V
    more["volume_hhi"] = sum((s.v[j] / V) ** 2 for j in J)
    return more


def smart_q(s, V, A):
    """Bars in order of |r| / v^0.25 (float32, earlier ones first among equals) until a fifth of the volume is there."""
    smart = [float(np.float32(abs(s.r[j]) / s.v[j] ** 0.25)) if s.v[j] > 0 else 0.0 for j in range(s.J)]
    volume = amount = 0.0
    for j in sorted(range(s.J), key=lambda j: (-smart[j], j)):
        if 5 * volume >= V:
            break
        volume += s.v[j]
        amount += s.a[j]
    return (amount / volume) / (A / V) - 1
