"""One compiled pass over a session: every symbol's bars are read once, and all factors are taken from them."""

import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numba import njit

from fusion_factor.core.artifacts import fingerprint
from fusion_factor.features.intraday import minute_group as minute
from fusion_factor.features.intraday import open_group as further
from fusion_factor.features.intraday import order_group as order
from fusion_factor.features.intraday import row, sums
from fusion_factor.features.intraday import trade_group as trade
from fusion_factor.features.intraday.largest import cut_largest, spread
from fusion_factor.features.intraday.moments import FAST, compiled, correlation, excess_kurtosis, powers, skewness

SOURCE = fingerprint(*sorted(Path(__file__).parent.glob("*.py")))
_COMPILING = threading.Lock()


@cache
def _compiled(with_trades: bool, with_open: bool) -> Callable[..., None]:
    return _compile(SOURCE, with_trades, with_open)


def session_kernel(with_trades: bool, with_open: bool) -> Callable[..., None]:
    """The compiled kernel; compiling takes 15 to 30 seconds once, reading it from numba's cache a fraction of one.

    with_trades, with_open: whether it works out the forms that read trade counts, and the further factors of `open27`;
    what is not asked for is not compiled.

    kernel(open, high, low, close, volume, amount, trades: float32 [S, J] C-contiguous, day: Day, out: float64 [S, 45]
    C-contiguous) fills `out` in the order of catalogue.KERNEL, NaN where a factor is missing or was not asked for. It
    holds no lock (nogil).
    """
    with _COMPILING:
        return _compiled(with_trades, with_open)


@compiled
def _count(share, n_valid):  # type: ignore[no-untyped-def]
    """A share of the valid bars, rounded up."""
    return max(1, int(np.ceil(share * n_valid - 1e-9)))


@compiled
def _whole_session(bars, ret, net, linked, t, n_valid, day, out):  # type: ignore[no-untyped-def]
    """The factors that read the whole session."""
    moves, amplitude = sums.volume_pairs(bars, ret)
    near = sums.neighbours(bars, ret, net, linked, day)
    out[1] = minute.down_vol_perc(t)
    out[2] = correlation(near.ret_ret, day.least_pairs)
    out[3] = correlation(near.close_open, day.least_pairs)
    out[10] = correlation(moves, day.least_pairs)
    out[13] = minute.down_single_amt_perc_px(t, n_valid)
    out[14] = correlation(amplitude, day.least_pairs)
    out[19] = trade.concentration_diff_px(t)
    out[21] = correlation(near.ret_net, day.least_pairs)
    out[22] = correlation(near.net_ret, day.least_pairs)
    sides = sums.sides(bars, ret)
    out[23] = order.skew_order_diff_px(sides, day)
    out[24] = order.kurt_order_diff_px(sides, day)
    out[26] = order.corr_buyorder_volume_price_px(sides, day)


@compiled
def _largest_bars(bars, ret, t, n_valid, out):  # type: ignore[no-untyped-def]
    """The factors of the bars with the largest amounts; expected edges are those of lognormal amounts."""
    bits = bars.a.view(np.int32)
    extent = spread(bits)
    cut30 = cut_largest(bits, _count(0.3, n_valid), extent, 0.52)
    cut20 = cut_largest(bits, _count(0.2, n_valid), extent, 0.84)
    cut10 = cut_largest(bits, _count(0.1, n_valid), extent, 1.28)
    large = sums.largest_sums(bars.a, ret, bits, cut30, cut20, cut10)
    out[12] = minute.bigorder_ret(large.growth30)
    out[15] = trade.bigorder_amt_perc_px(large.amount20, t)
    out[17] = trade.bigorder_ret2_px(large.growth10)


@compiled
def _windows(bars, ret, net, t, valid, full, day, out):  # type: ignore[no-untyped-def]
    """The factors of half hours, of the early and of the late window."""
    for k in range(2, 8):
        begin = row.half_hour_begin(day, k)
        if begin >= 0 and (full or row.traded(valid, begin, begin + day.half_hour)):
            out[2 + k] = minute.volume_share(bars, t, begin, day)
    if full or row.traded(valid, day.late, day.n_bars):
        out[0] = minute.late_skew_ret(ret, day)
    if full or row.traded(valid, day.first, day.window):
        out[11] = minute.early_corr_volume_ret(bars, ret, day)
    if full or row.traded(valid, day.first, day.wide):
        out[25] = order.early_kurt_order_px(bars, day)
    if full or row.traded(valid, day.first, day.early):
        amount = bars.a[day.first : day.early]
        bits, n = amount.view(np.int32), day.early - day.first
        cut = cut_largest(bits, n - 1 - int(0.7 * (n - 1) + 1e-9), spread(bits), 0.52)
        early = sums.early_sums(amount, net[day.first : day.early], ret[day.first : day.early], bits, cut)
        out[16] = trade.early_bigorder_buy_perc_px(early)
        out[18] = trade.early_active_bigorder_ret_px(early)
        out[20] = trade.early_active_buy_perc_px(early)


@compiled
def _open27(bars, ret, t, valid, full, n_valid, day, key, out):  # type: ignore[no-untyped-def]
    """The further factors of `open27`; `key` is scratch."""
    top, bottom = row.extremes(bars)
    s, r = further.open_sums(bars, bottom), powers(ret)
    out[27], out[28] = out[12], out[13]
    out[29] = further.realised_vol(t)
    out[30] = skewness(r, 4)
    out[31] = excess_kurtosis(r, 4)
    if full or row.traded(valid, day.tail, day.n_bars):
        out[32] = sums.window_sum(bars.v, day.tail, day.n_bars) / t.volume
    out[33] = further.trend_strength(bars, s)
    out[34] = further.improved_reversal(bars, day)
    out[35] = further.shortcut_illiq(s, n_valid)
    further.fill_smartness(bars, ret, key)
    out[36] = further.smart_q(bars, t, key.view(np.int32))
    out[37] = correlation(s.price_volume, day.least_pairs)
    out[38] = further.arpp(s, day.n_bars, top, bottom)
    out[39] = further.apb(s, t, n_valid)
    out[40] = further.vol_time_center(s, t, day.n_bars)
    out[41] = further.volume_hhi(s, t)


@compiled
def _trade_counts(bars, ret, t, n_valid, day, key, out):  # type: ignore[no-untyped-def]
    """The exact forms that read trade counts; `key` is scratch."""
    out[42] = minute.corr_volume_item(bars, day)
    out[43] = minute.down_single_amt_perc(bars, ret, t)
    minute.fill_tickets(bars, key)
    bits = key.view(np.int32)
    cut = cut_largest(bits, _count(0.3, n_valid), spread(bits), 0.52)
    out[44] = minute.bigorder_ret(sums.growth_of(ret, bits, cut))


@compiled
def _row(bars, n_valid, valid, linked, ret, net, day, out):  # type: ignore[no-untyped-def]
    """The 27 factors of one symbol from cleaned bars, and its sums; `ret` and `net` are filled, `valid` is read where
    not all bars are."""
    full = n_valid == day.n_bars
    row.fill_returns(bars.o, bars.c, ret)
    row.fill_net(bars, net)
    t = sums.totals(bars, ret)
    _whole_session(bars, ret, net, linked, t, n_valid, day, out)
    _largest_bars(bars, ret, t, n_valid, out)
    _windows(bars, ret, net, t, valid, full, day, out)
    return t


def _compile(source: str, with_trades: bool, with_open: bool) -> Callable[..., None]:
    """The arguments are closure cells and so part of the cache's key: machine code of an earlier state of any factor is
    never used. A branch on a cell is decided before its calls are compiled."""

    @njit(fastmath=FAST, nogil=True, error_model="numpy", cache=True)
    def kernel(o_sj, h_sj, l_sj, c_sj, v_sj, a_sj, n_sj, day, out_sf):  # type: ignore[no-untyped-def]
        _ = source
        n_bars = o_sj.shape[1]
        clean = np.empty((7, n_bars), np.float32)
        filled = row.Bars(clean[0], clean[1], clean[2], clean[3], clean[4], clean[5], clean[6])
        ret, net = np.empty(n_bars), np.empty(n_bars)
        key = np.empty(n_bars, np.float32)
        linked = np.ones(n_bars)
        if day.noon > 0:
            linked[day.noon - 1] = 0.0
        valid = np.empty(n_bars, np.bool_)
        for i in range(o_sj.shape[0]):
            out = out_sf[i]
            out[:] = np.nan
            bars = row.Bars(o_sj[i], h_sj[i], l_sj[i], c_sj[i], v_sj[i], a_sj[i], n_sj[i])
            n_valid = n_bars
            full, moved = row.scan(bars)
            if not full:
                n_valid = row.mark_valid(bars, valid)
                if n_valid == 0 or 2 * n_valid < n_bars:
                    continue
                row.fill_holes(bars, filled, valid)
                bars = filled
                moved = row.scan(bars)[1]
            if not moved:
                continue
            # one call, for the compiler puts the whole of it here
            t = _row(bars, n_valid, valid, linked, ret, net, day, out)
            if with_open:
                _open27(bars, ret, t, valid, full, n_valid, day, key, out)
            if with_trades:  # noqa: SIM102 (a branch on a cell alone is decided before its calls are compiled)
                if minute.has_counts(bars):
                    _trade_counts(bars, ret, t, n_valid, day, key, out)

    return kernel
