"""One compiled pass over a session: every symbol's bars are read once, and all factors are taken from them."""

import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numba import njit

from fusion_factor.core.artifacts import fingerprint
from fusion_factor.features.intraday import minute_group as minute
from fusion_factor.features.intraday import order_group as order
from fusion_factor.features.intraday import row
from fusion_factor.features.intraday import trade_group as trade
from fusion_factor.features.intraday.moments import FAST

SOURCE = fingerprint(*sorted(Path(__file__).parent.glob("*.py")))
_COMPILING = threading.Lock()


@cache
def _compiled() -> Callable[..., None]:
    return _compile(SOURCE)


def session_kernel() -> Callable[..., None]:
    """The compiled kernel; compiling takes some seconds once, reading it from numba's cache a fraction of one.

    kernel(open, high, low, close, volume, amount, trades: float32 [S, J] C-contiguous, with_trades: bool, day: Day,
    out: float64 [S, 45] C-contiguous) fills `out` in the order of catalogue.KERNEL. It holds no lock (nogil).
    """
    with _COMPILING:
        return _compiled()


def _compile(source: str) -> Callable[..., None]:
    """`source` is a closure cell and so part of the cache's key: machine code of an earlier state of any factor is
    never used."""

    @njit(fastmath=FAST, nogil=True, cache=True)
    def kernel(o_sj, h_sj, l_sj, c_sj, v_sj, a_sj, n_sj, with_trades, day, out_sf):  # type: ignore[no-untyped-def]
        _ = source
        n_bars = o_sj.shape[1]
        rows = np.empty((13, n_bars))
        o, h, lo, c, v, a, n = rows[0], rows[1], rows[2], rows[3], rows[4], rows[5], rows[6]
        ret, buy, net, left, right, ticket = rows[7], rows[8], rows[9], rows[10], rows[11], rows[12]
        valid = np.empty(n_bars, np.bool_)
        largest = np.zeros(n_bars, np.bool_)
        early = day.half_hour
        early_big = np.zeros(early, np.bool_)
        for i in range(o_sj.shape[0]):
            out = out_sf[i]
            out[:] = np.nan
            raw = (o_sj[i], h_sj[i], l_sj[i], c_sj[i], v_sj[i], a_sj[i], n_sj[i])
            n_valid = row.fill_bars(raw, rows, valid)
            if n_valid == 0 or 2 * n_valid < n_bars or not row.moved(h, lo):
                continue
            row.fill_returns(o, c, ret)
            row.fill_flows(h, lo, c, a, buy, net)
            v_sum, a_sum = row.total(v), row.total(a)

            out[0] = minute.late_skew_ret(ret, valid, day)
            out[1] = minute.down_vol_perc(ret)
            out[2] = minute.lagged_correlation(ret, ret, day.least_pairs, left, right)
            out[3] = minute.lagged_correlation(c, o, day.least_pairs, left, right)
            for k in range(2, 8):
                out[2 + k] = minute.volume_share(v, v_sum, valid, day, k)
            out[10] = minute.corr_volume_item_px(v, ret, day, left)
            out[11] = minute.early_corr_volume_ret(v, ret, valid, day)
            row.mark_largest(a, 0.3, n_valid, largest)
            out[12] = minute.bigorder_ret(ret, largest)
            out[13] = minute.down_single_amt_perc_px(ret, a, a_sum, n_valid)
            out[14] = minute.corr_volume_amplitude(v, o, h, lo, day, left)

            row.mark_largest(a, 0.2, n_valid, largest)
            out[15] = trade.bigorder_amt_perc_px(a, a_sum, largest)
            row.mark_largest(a, 0.1, n_valid, largest)
            out[17] = trade.bigorder_ret2_px(ret, largest)
            if row.traded(valid, 0, early):
                row.mark_early_big(a[:early], early_big)
                out[16] = trade.early_bigorder_buy_perc_px(a[:early], buy[:early], early_big)
                out[18] = trade.bigorder_ret2_px(ret[:early], early_big)
                out[20] = trade.early_active_buy_perc_px(a[:early], buy[:early])
            out[19] = trade.concentration_diff_px(ret, a, a_sum)
            out[21] = minute.lagged_correlation(ret, net, day.least_pairs, left, right)
            out[22] = minute.lagged_correlation(net, ret, day.least_pairs, left, right)

            up, down = order.split_volume(ret, v, left, right)
            out[23] = order.skew_order_diff_px(left[:up], right[:down], day)
            out[24] = order.kurt_order_diff_px(left[:up], right[:down], day)
            out[25] = order.early_kurt_order_px(v, valid, day)
            out[26] = order.corr_buyorder_volume_price_px(ret, v, a, day, left, right)

            if with_trades and minute.has_counts(n, valid):
                out[42] = minute.corr_volume_item(v, n, day)
                out[43] = minute.down_single_amt_perc(ret, a, a_sum, n)
                for j in range(n_bars):
                    ticket[j] = a[j] / n[j] if valid[j] else 0.0
                row.mark_largest(ticket, 0.3, n_valid, largest)
                out[44] = minute.bigorder_ret(ret, largest)

    return kernel
