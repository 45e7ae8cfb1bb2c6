"""The list of intraday factors: name, published sign, tier, unit and group; the presets are lists of names.

A bar proxy never has the name of the exact factor: it has the suffix `_px`.
"""

from typing import NamedTuple


class Factor(NamedTuple):
    """What is known of a factor beside its value.

    sign: the published direction (+1: high is good), used by equal-weight baselines only, never by the networks.
    tier: `bar` (OHLCV and amount) or `bar+n` (trade counts as well). unit: `d` dimensionless, `%` a return fraction.
    proxy_of: the exact factor's tier for a bar proxy, else empty.
    """

    name: str
    sign: int
    tier: str
    unit: str
    group: str
    proxy_of: str = ""


# in the order of METHOD 2.3 to 2.5; the last three are exact forms for bars with trade counts
CATALOGUE = (
    Factor("late_skew_ret", -1, "bar", "d", "minute"),
    Factor("down_vol_perc", +1, "bar", "d", "minute"),
    Factor("corr_ret_lastret", -1, "bar", "d", "minute"),
    Factor("corr_close_nextopen", +1, "bar", "d", "minute"),
    Factor("volume_perc2", +1, "bar", "d", "minute"),
    Factor("volume_perc3", +1, "bar", "d", "minute"),
    Factor("volume_perc4", +1, "bar", "d", "minute"),
    Factor("volume_perc5", +1, "bar", "d", "minute"),
    Factor("volume_perc6", +1, "bar", "d", "minute"),
    Factor("volume_perc7", +1, "bar", "d", "minute"),
    Factor("corr_volume_item_px", -1, "bar", "d", "minute", "bar+n"),
    Factor("early_corr_volume_ret", +1, "bar", "d", "minute"),
    Factor("bigorder_ret_px", -1, "bar", "%", "minute", "bar+n"),
    Factor("down_single_amt_perc_px", +1, "bar", "d", "minute", "bar+n"),
    Factor("corr_volume_amplitude", -1, "bar", "d", "minute"),
    Factor("bigorder_amt_perc_px", +1, "bar", "d", "trade", "l2"),
    Factor("early_bigorder_buy_perc_px", +1, "bar", "d", "trade", "l2"),
    Factor("bigorder_ret2_px", -1, "bar", "%", "trade", "l2"),
    Factor("early_active_bigorder_ret_px", +1, "bar", "%", "trade", "l2"),
    Factor("concentration_diff_px", -1, "bar", "d", "trade", "l2"),
    Factor("early_active_buy_perc_px", +1, "bar", "d", "trade", "l2"),
    Factor("corr_netactivebuy_lastret_px", -1, "bar", "d", "trade", "l2"),
    Factor("corr_netactivebuy_nextret_px", -1, "bar", "d", "trade", "l2"),
    Factor("skew_order_diff_px", -1, "bar", "d", "order", "l2"),
    Factor("kurt_order_diff_px", -1, "bar", "d", "order", "l2"),
    Factor("early_kurt_order_px", -1, "bar", "d", "order", "l2"),
    Factor("corr_buyorder_volume_price_px", -1, "bar", "d", "order", "l2"),
    Factor("corr_volume_item", -1, "bar+n", "d", "minute"),
    Factor("down_single_amt_perc", +1, "bar+n", "d", "minute"),
    Factor("bigorder_ret", -1, "bar+n", "%", "minute"),
)

NAMES = tuple(factor.name for factor in CATALOGUE)
SIGNS = {factor.name: factor.sign for factor in CATALOGUE}
HUATAI27 = NAMES[:27]
# the same list where bars carry trade counts: three proxies give way to the exact factors
_EXACT = {"corr_volume_item_px", "bigorder_ret_px", "down_single_amt_perc_px"}
HUATAI27_TRADES = tuple(name.removesuffix("_px") if name in _EXACT else name for name in HUATAI27)
PRESETS = {"huatai27": HUATAI27, "huatai27_trades": HUATAI27_TRADES}
