"""The sums that the factors are made of, taken in a few passes over a symbol's session, compiled.

A pass reads the bars once and fills every sum that reads them, so that twenty-seven factors cost about as much as four.
The loops have no branches: a condition is a factor 1 or 0 (`rises`, `falls`), which keeps them vectorised. Bars are
float32, all sums are float64, shifted by a value of their own set as moments.py says.

r return, v volume, a amount, o h l p prices of bar j; nb net bought amount.
"""

from typing import NamedTuple

import numpy as np

from fusion_factor.features.intraday.day import Day
from fusion_factor.features.intraday.largest import Bits, Cut, value_of
from fusion_factor.features.intraday.moments import Pairs, Powers, Row, compiled
from fusion_factor.features.intraday.row import Bars, Float32Row


class Totals(NamedTuple):
    """Sums over the session: v; a; r^2, and r^2 where r < 0; a, the number of bars where r < 0; a^2 with r's sign."""

    volume: float
    amount: float
    squares: float
    falling_squares: float
    falling_amount: float
    falling_bars: float
    signed_squares: float


class Sides(NamedTuple):
    """The bars with r > 0 and with r < 0 apart: powers of v of each, and pairs (v, a / v) where r > 0."""

    rising: Powers
    falling: Powers
    rising_price: Pairs


class Neighbours(NamedTuple):
    """Pairs (x_j, y_(j+1)) over neighbouring bars that no break parts."""

    ret_ret: Pairs
    close_open: Pairs
    ret_net: Pairs
    net_ret: Pairs


class Largest(NamedTuple):
    """Over the 30% and 10% largest bars by a the product of 1 + r, over the 20% largest the sum of a."""

    growth30: float
    amount20: float
    growth10: float


class Early(NamedTuple):
    """Sums over E of a and nb; over its bars with the largest a: a, nb, and the product of 1 + r."""

    amount: float
    net: float
    big_amount: float
    big_net: float
    big_growth: float


@compiled
def totals(bars: Bars, ret: Row) -> Totals:
    """One pass for all plain sums."""
    volume, amount, squares, falling_squares = 0.0, 0.0, 0.0, 0.0
    falling_amount, falling_bars, signed_squares = 0.0, 0.0, 0.0
    for j in range(ret.shape[0]):
        r, a = ret[j], np.float64(bars.a[j])
        falls = 1.0 if r < 0.0 else 0.0
        rises = 1.0 if r > 0.0 else 0.0
        volume += np.float64(bars.v[j])
        amount += a
        squares += r * r
        falling_squares += falls * (r * r)
        falling_amount += falls * a
        falling_bars += falls
        signed_squares += (rises - falls) * (a * a)
    return Totals(volume, amount, squares, falling_squares, falling_amount, falling_bars, signed_squares)


@compiled
def volume_pairs(bars: Bars, ret: Row) -> tuple[Pairs, Pairs]:
    """Pairs (v, |r|) and (v, (h - l) / o) over the session."""
    v0, r0 = np.float64(bars.v[0]), abs(ret[0])
    s0 = (np.float64(bars.h[0]) - np.float64(bars.lo[0])) / np.float64(bars.o[0])
    sv, svv, sr, srr, svr, ss, sss, svs = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(ret.shape[0]):
        v = np.float64(bars.v[j]) - v0
        r = abs(ret[j]) - r0
        s = (np.float64(bars.h[j]) - np.float64(bars.lo[j])) / np.float64(bars.o[j]) - s0
        sv += v
        svv += v * v
        sr += r
        srr += r * r
        svr += v * r
        ss += s
        sss += s * s
        svs += v * s
    n = float(ret.shape[0])
    return Pairs(n, sv, sr, svv, srr, svr), Pairs(n, sv, ss, svv, sss, svs)


@compiled
def first_of_sign(ret: Row, sign: float) -> int:
    """The first bar whose return has the sign; 0 where there is none, since then nothing is summed."""
    for j in range(ret.shape[0]):
        if sign * ret[j] > 0.0:
            return j
    return 0


@compiled
def sides(bars: Bars, ret: Row) -> Sides:
    """One pass over the session for the sums of rising and of falling bars."""
    up, down = first_of_sign(ret, 1.0), first_of_sign(ret, -1.0)
    v_up, v_down = np.float64(bars.v[up]), np.float64(bars.v[down])
    q_up = np.float64(bars.a[up]) / max(v_up, 1e-300)
    n_up, u1, u2, u3, u4 = 0.0, 0.0, 0.0, 0.0, 0.0
    n_down, d1, d2, d3, d4 = 0.0, 0.0, 0.0, 0.0, 0.0
    q1, q2, uq = 0.0, 0.0, 0.0
    for j in range(ret.shape[0]):
        v = np.float64(bars.v[j])
        rises = 1.0 if ret[j] > 0.0 else 0.0
        falls = 1.0 if ret[j] < 0.0 else 0.0
        u = rises * (v - v_up)
        d = falls * (v - v_down)
        q = rises * (np.float64(bars.a[j]) / max(v, 1e-300) - q_up)  # an empty bar never rises
        n_up += rises
        n_down += falls
        u1 += u
        u2 += u * u
        u3 += u * u * u
        u4 += (u * u) * (u * u)
        d1 += d
        d2 += d * d
        d3 += d * d * d
        d4 += (d * d) * (d * d)
        q1 += q
        q2 += q * q
        uq += u * q
    rising, falling = Powers(n_up, u1, u2, u3, u4), Powers(n_down, d1, d2, d3, d4)
    return Sides(rising, falling, Pairs(n_up, u1, q1, u2, q2, uq))


@compiled
def neighbours(bars: Bars, ret: Row, net: Row, linked: Row, day: Day) -> Neighbours:
    """All pairs of a bar with the next one. linked: 1, but 0 for the pair that spans the break."""
    r0, r1, b0, b1 = ret[0], ret[1], net[0], net[1]
    p0, o1 = np.float64(bars.c[0]), np.float64(bars.o[1])
    r, rr, s, ss, rs = 0.0, 0.0, 0.0, 0.0, 0.0  # s: the next bar's return
    b, bb, d, dd, rd, bs = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0  # d: the next bar's nb
    p, pp, o, oo, po = 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(ret.shape[0] - 1):
        x, y = linked[j] * (ret[j] - r0), linked[j] * (ret[j + 1] - r1)
        r += x
        rr += x * x
        s += y
        ss += y * y
        rs += x * y
    for j in range(ret.shape[0] - 1):  # three loops: the sums of one fit into the registers
        x, y = linked[j] * (ret[j] - r0), linked[j] * (ret[j + 1] - r1)
        u, w = linked[j] * (net[j] - b0), linked[j] * (net[j + 1] - b1)
        b += u
        bb += u * u
        d += w
        dd += w * w
        rd += x * w
        bs += u * y
    for j in range(ret.shape[0] - 1):
        x, y = linked[j] * (np.float64(bars.c[j]) - p0), linked[j] * (np.float64(bars.o[j + 1]) - o1)
        p += x
        pp += x * x
        o += y
        oo += y * y
        po += x * y
    n = float(ret.shape[0] - (2 if day.noon > 0 else 1))
    return Neighbours(
        Pairs(n, r, s, rr, ss, rs), Pairs(n, p, o, pp, oo, po), Pairs(n, r, d, rr, dd, rd), Pairs(n, b, s, bb, ss, bs)
    )


@compiled
def early_sums(amount: Float32Row, net: Row, ret: Row, bits: Bits, cut: Cut) -> Early:
    """Sums over E, whose bars the arguments hold; its largest bars are those that reach the cut's value, ties too."""
    least = cut.above + np.int32(cut.ties == 0)
    total, tilt, big, big_tilt, growth = 0.0, 0.0, 0.0, 0.0, 1.0
    for j in range(ret.shape[0]):
        a, b = np.float64(amount[j]), net[j]
        chosen = 1.0 if bits[j] >= least else 0.0
        total += a
        tilt += b
        big += chosen * a
        big_tilt += chosen * b
        growth *= 1.0 + chosen * ret[j]
    return Early(total, tilt, big, big_tilt, growth)


@compiled
def largest_sums(amount: Float32Row, ret: Row, bits: Bits, cut30: Cut, cut20: Cut, cut10: Cut) -> Largest:
    """One pass over the three cuts of a session's amounts."""
    growth30, growth10, amount20 = 1.0, 1.0, 0.0
    for j in range(ret.shape[0]):
        growth30 *= 1.0 + (ret[j] if bits[j] > cut30.above else 0.0)
        growth10 *= 1.0 + (ret[j] if bits[j] > cut10.above else 0.0)
        amount20 += np.float64(amount[j]) if bits[j] > cut20.above else 0.0
    if cut20.ties > 0:
        amount20 += cut20.ties * value_of(cut20.above)
    return Largest(growth30 * growth_of_ties(ret, bits, cut30), amount20, growth10 * growth_of_ties(ret, bits, cut10))


@compiled
def growth_of(ret: Row, bits: Bits, cut: Cut) -> float:
    """Product of 1 + r over the bars of a cut."""
    growth = 1.0
    for j in range(ret.shape[0]):
        growth *= 1.0 + (ret[j] if bits[j] > cut.above else 0.0)
    return growth * growth_of_ties(ret, bits, cut)


@compiled
def growth_of_ties(ret: Row, bits: Bits, cut: Cut) -> float:
    """Product of 1 + r over those bars of a cut that equal its edge."""
    growth, ties = 1.0, cut.ties
    for j in range(ret.shape[0] if ties > 0 else 0):
        if bits[j] == cut.above and ties > 0:
            growth *= 1.0 + ret[j]
            ties -= 1
    return growth


@compiled
def window_sum(values: Float32Row, begin: int, end: int) -> float:
    """Sum over [begin, end)."""
    total = 0.0
    for j in range(begin, end):
        total += np.float64(values[j])
    return total
