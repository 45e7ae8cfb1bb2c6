"""The minutes of one session, for all stocks at once: numba, one own random stream a stock and session.

Each row is a bridge from the open to the close that the session aims at, on the 0.01 grid and within the price
limits. The shape states act on it: `middle` moves volume from the ends of the session to its middle, `down` gives
falls more of the variance, `sticky` makes minute returns follow each other, `burst` ties volume to the size of moves.

Legend of axes: s stock that trades, b minute (240), f open, high, low, close.
"""

import math

import numpy as np
import numpy.typing as npt
from numba import njit

MINUTES = 240
MIDDLE_GAIN, DOWN_GAIN, STICKY_GAIN, BURST_GAIN = 0.10, 0.07, 0.13, 0.22
_STEP = np.uint64(0x9E3779B97F4A7C15)
_FLOAT = npt.NDArray[np.float64]


def profiles() -> tuple[_FLOAT, _FLOAT, _FLOAT]:
    """Shares of volume [240] and of variance [240] by minute; the direction [240] in which `middle` tilts volume."""
    minute = np.arange(MINUTES)
    opening, closing = np.exp(-minute / 22.0), np.exp(-(MINUTES - 1 - minute) / 28.0)
    after_lunch = np.exp(-np.abs(minute - 121) / 12.0) * (minute >= 120)
    volume = 0.62 + 1.9 * opening + 0.95 * closing + 0.25 * after_lunch
    variance = 0.55 + 3.0 * np.exp(-minute / 14.0) + 0.35 * closing
    middle = np.where((minute >= 30) & (minute < 210), 0.5, -0.9)
    return volume / volume.sum(), variance / variance.sum(), middle.astype(np.float64)


@njit(inline="always")
def _mix(x):  # type: ignore[no-untyped-def]
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit(inline="always")
def uniform(state):  # type: ignore[no-untyped-def]
    """A uniform number in (0, 1] and the next state (splitmix64)."""
    state = state + _STEP
    return (np.float64(_mix(state) >> np.uint64(11)) + 1.0) * (1.0 / 9007199254740992.0), state


@njit(cache=True, nogil=True)
def _normals(state, out):  # type: ignore[no-untyped-def]
    """Fill `out` with nearly normal numbers: the sum of the four 16-bit parts of one draw, within 3.5 deviations."""
    part = np.uint64(0xFFFF)
    for j in range(out.shape[0]):
        state = state + _STEP
        x = _mix(state)
        y = (x & part) + ((x >> np.uint64(16)) & part) + ((x >> np.uint64(32)) & part) + (x >> np.uint64(48))
        out[j] = (np.float64(y) - 131070.0) * (1.0 / 37837.2)
    return state


@njit(cache=True, nogil=True)
def _path(start, target, sigma, down, sticky, variance_b, z_b, path_b):  # type: ignore[no-untyped-def]
    """Minute closes in cents (floats): skewed, autocorrelated steps, then a bridge to the target."""
    tilt = min(0.6, max(-0.6, DOWN_GAIN * down))
    follow = min(0.5, max(-0.5, STICKY_GAIN * sticky))
    last, total = 0.0, 0.0
    for j in range(z_b.shape[0]):
        z = z_b[j]
        step = z * (1.0 - tilt) if z > 0.0 else z * (1.0 + tilt)
        last = follow * last + (step + 0.7978845608 * tilt) * sigma * math.sqrt(variance_b[j])
        total += last
        path_b[j] = total
    gap = target / start - 1.0 - total
    done = 0.0
    for j in range(z_b.shape[0]):
        done += variance_b[j]
        path_b[j] = start * (1.0 + path_b[j] + gap * done)


@njit(cache=True, nogil=True)
def _lots(total_lots, middle, burst, volume_b, middle_b, z_b, noise_b, lots_b, state):  # type: ignore[no-untyped-def]
    """Lots of each minute: profile, tilt, burst with the size of the move, noise; rounded at random to whole lots."""
    gain = BURST_GAIN * burst + 0.30
    scale = 0.0
    for j in range(lots_b.shape[0]):
        size = min(abs(z_b[j]), 3.5) - 0.8
        lots_b[j] = volume_b[j] * math.exp(MIDDLE_GAIN * middle * middle_b[j] + gain * size + 0.55 * noise_b[j])
        scale += lots_b[j]
    for j in range(lots_b.shape[0]):
        u, state = uniform(state)
        lots_b[j] = math.floor(lots_b[j] * total_lots / scale + u)
    lots_b[0] = max(lots_b[0], 1.0)
    return state


@njit(cache=True, nogil=True)
def _bars(path_b, lots_b, start, low_limit, high_limit, sigma, state, cents_fb, volume_b, amount_b):  # type: ignore[no-untyped-def]
    """Whole-cent bars from a path: jittered opens, ranges, limits; a minute without a trade carries the last price."""
    last = start
    reach = 0.55 * sigma / math.sqrt(path_b.shape[0])
    for j in range(path_b.shape[0]):
        if lots_b[j] == 0.0:
            cents_fb[:, j] = last
            volume_b[j] = 0
            amount_b[j] = 0
            continue
        close = min(high_limit, max(low_limit, np.int64(math.floor(path_b[j] + 0.5))))
        u, state = uniform(state)
        opened = last if j == 0 or 0.12 < u < 0.88 else (last + 1 if u >= 0.88 else last - 1)
        opened = min(high_limit, max(low_limit, opened))
        u, state = uniform(state)
        w, state = uniform(state)
        high = min(high_limit, max(opened, close) + np.int64(3.0 * u * u * reach * path_b[j]))
        low = max(low_limit, min(opened, close) - np.int64(3.0 * w * w * reach * path_b[j]))
        low = max(low, 1)
        cents_fb[0, j], cents_fb[1, j], cents_fb[2, j], cents_fb[3, j] = opened, high, low, close
        volume_b[j] = np.int64(lots_b[j]) * 100
        amount_b[j] = np.int64(lots_b[j] * 0.25 * (opened + high + low + close) + 0.5)
        last = close


@njit(cache=True, nogil=True)
def fill_session(  # type: ignore[no-untyped-def]
    seeds_s,
    open_s,
    target_s,
    low_s,
    high_s,
    sigma_s,
    lots_s,
    locked_s,
    shape_qs,
    profile_kb,
    cents_fsb,
    volume_sb,
    amount_sb,
):
    """Fill the bars of one session.

    seeds_s uint64: a stream for each row; open_s, target_s, low_s, high_s int64 cents (limits inclusive); sigma_s
    float64: spread of the session's minute path; lots_s float64: lots aimed at; locked_s bool: one price all day;
    shape_qs float64 [4, S]: middle, down, sticky, burst; profile_kb float64 [3, 240] as of `profiles`.
    Outputs: cents_fsb int32 [4, S, 240], volume_sb and amount_sb int64 [S, 240].
    """
    n_bars = volume_sb.shape[1]
    z_b, noise_b = np.empty(n_bars), np.empty(n_bars)
    path_b, lots_b = np.empty(n_bars), np.empty(n_bars)
    for s in range(seeds_s.shape[0]):
        state = _normals(_normals(seeds_s[s], z_b), noise_b)
        middle, down, sticky, burst = shape_qs[0, s], shape_qs[1, s], shape_qs[2, s], shape_qs[3, s]
        state = _lots(lots_s[s], middle, burst, profile_kb[0], profile_kb[2], z_b, noise_b, lots_b, state)
        if locked_s[s]:
            path_b[:] = open_s[s]
        else:
            _path(open_s[s], target_s[s], sigma_s[s], down, sticky, profile_kb[1], z_b, path_b)
        low, high = (open_s[s], open_s[s]) if locked_s[s] else (low_s[s], high_s[s])
        _bars(path_b, lots_b, open_s[s], low, high, sigma_s[s], state, cents_fsb[:, s], volume_sb[s], amount_sb[s])


@njit(cache=True, nogil=True)
def daily_of(cents_fsb, volume_sb, amount_sb, daily_fs, volume_s, amount_s):  # type: ignore[no-untyped-def]
    """The exact daily bar of the minutes: first open, highest high, lowest low, last close, sums."""
    n_bars = volume_sb.shape[1]
    for s in range(volume_sb.shape[0]):
        daily_fs[0, s], daily_fs[3, s] = cents_fsb[0, s, 0], cents_fsb[3, s, n_bars - 1]
        high, low = cents_fsb[1, s, 0], cents_fsb[2, s, 0]
        volume, amount = np.int64(0), np.int64(0)
        for j in range(n_bars):
            high, low = max(high, cents_fsb[1, s, j]), min(low, cents_fsb[2, s, j])
            volume += volume_sb[s, j]
            amount += amount_sb[s, j]
        daily_fs[1, s], daily_fs[2, s] = high, low
        volume_s[s], amount_s[s] = volume, amount
