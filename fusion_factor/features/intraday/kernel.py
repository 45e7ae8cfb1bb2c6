"""One compiled pass over a session: every symbol's bars are read once, and all factors are taken from them."""

import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from numba import njit

from fusion_factor.core.artifacts import fingerprint
from fusion_factor.features.intraday import minute_group, order_group, row, trade_group
from fusion_factor.features.intraday.moments import FAST

SOURCE = fingerprint(*sorted(Path(__file__).parent.glob("*.py")))

_prepare, _has_prices = row.prepare, row.has_prices
_minute, _trade, _order = minute_group, trade_group, order_group
_COMPILING = threading.Lock()


@cache
def session_kernel() -> Callable[..., None]:
    """The compiled kernel; compiling takes some seconds once, reading it from numba's cache a fraction of one.

    kernel(open, high, low, close, volume, amount, trades: float32 [S, J] C-contiguous, with_trades: bool,
    out: float64 [S, 30] C-contiguous) fills `out` in the order of the catalogue. It holds no lock (nogil).
    """
    with _COMPILING:
        return _compile(SOURCE)


def _compile(source: str) -> Callable[..., None]:
    """`source` is a closure cell and so part of the cache's key: machine code of an earlier state of any factor is
    never used."""
    bars = "float32[:,::1]"

    @njit(f"void({', '.join([bars] * 7)}, boolean, float64[:,::1])", fastmath=FAST, nogil=True, cache=True)
    def kernel(o_sj, h_sj, l_sj, c_sj, v_sj, a_sj, n_sj, with_trades, out_sf):  # type: ignore[no-untyped-def]
        _ = source
        n_bars = o_sj.shape[1]
        rows = np.empty((12, n_bars))
        valid = np.empty(n_bars, np.bool_)
        marks = np.zeros((4, n_bars), np.bool_)
        for i in range(o_sj.shape[0]):
            out = out_sf[i]
            out[:] = np.nan
            fields = (o_sj[i], h_sj[i], l_sj[i], c_sj[i], v_sj[i], a_sj[i], n_sj[i])
            s = _prepare(fields, rows, valid, marks)
            if not _has_prices(s):
                continue
            out[0] = _minute.late_skew_ret(s)
            out[1] = _minute.down_vol_perc(s)
            out[2] = _minute.corr_ret_lastret(s)
            out[3] = _minute.corr_close_nextopen(s)
            for k in range(2, 8):
                out[2 + k] = _minute.volume_share(s, k)
            out[10] = _minute.corr_volume_item_px(s)
            out[11] = _minute.early_corr_volume_ret(s)
            out[12] = _minute.bigorder_ret_px(s)
            out[13] = _minute.down_single_amt_perc_px(s)
            out[14] = _minute.corr_volume_amplitude(s)
            out[15] = _trade.bigorder_amt_perc_px(s)
            out[16] = _trade.early_bigorder_buy_perc_px(s)
            out[17] = _trade.bigorder_ret2_px(s)
            out[18] = _trade.early_active_bigorder_ret_px(s)
            out[19] = _trade.concentration_diff_px(s)
            out[20] = _trade.early_active_buy_perc_px(s)
            out[21] = _trade.corr_netactivebuy_lastret_px(s)
            out[22] = _trade.corr_netactivebuy_nextret_px(s)
            out[23] = _order.skew_order_diff_px(s)
            out[24] = _order.kurt_order_diff_px(s)
            out[25] = _order.early_kurt_order_px(s)
            out[26] = _order.corr_buyorder_volume_price_px(s)
            if with_trades:
                out[27] = _minute.corr_volume_item(s)
                out[28] = _minute.down_single_amt_perc(s)
                out[29] = _minute.bigorder_ret(s)

    return kernel
