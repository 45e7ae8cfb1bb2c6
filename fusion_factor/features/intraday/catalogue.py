"""The list of intraday factors: name, sign, tier, unit and group; the presets, and which factor stands in for which.

A proxy never has the name of the exact factor: it has the suffix `_px`. A preset lists exact names; `resolve` says
which of them the data allow, and where a proxy takes the place.
"""

from typing import NamedTuple

from fusion_factor.core.errors import ConfigError

PROXY = "_px"


class Factor(NamedTuple):
    """What is known of a factor beside its value.

    sign: the published direction (+1: high is good; 0: none), used by equal-weight baselines only, never by the
    networks. tier: `bar` (OHLCV and amount), `bar+n` (trade counts as well) or `l2` (trades and orders). unit: `d`
    dimensionless, `%` a return fraction. proxy_of: the exact factor's tier for a bar proxy, else empty.
    """

    name: str
    sign: int
    tier: str
    unit: str
    group: str
    proxy_of: str = ""


# in the order of METHOD 2.3 to 2.5: the 27 that need bars alone
_HUATAI27_BARS = (
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
)
# METHOD 2.6, nos. 13 to 27
_OPEN15 = (
    Factor("big_amount_ret", -1, "bar", "%", "open"),
    Factor("down_amt_ratio", +1, "bar", "d", "open"),
    Factor("realised_vol", -1, "bar", "%", "open"),
    Factor("ret_skew", -1, "bar", "d", "open"),
    Factor("ret_kurt", 0, "bar", "d", "open"),
    Factor("tail_volume_share", -1, "bar", "d", "open"),
    Factor("trend_strength", -1, "bar", "d", "open"),
    Factor("improved_reversal", -1, "bar", "%", "open"),
    Factor("shortcut_illiq", +1, "bar", "1/CNY", "open"),
    Factor("smart_q", -1, "bar", "%", "open"),
    Factor("price_volume_corr", -1, "bar", "d", "open"),
    Factor("arpp", -1, "bar", "d", "open"),
    Factor("apb", +1, "bar", "d", "open"),
    Factor("vol_time_center", +1, "bar", "d", "open"),
    Factor("volume_hhi", -1, "bar", "d", "open"),
)
_TRADE_COUNTS = (
    Factor("corr_volume_item", -1, "bar+n", "d", "minute"),
    Factor("down_single_amt_perc", +1, "bar+n", "d", "minute"),
    Factor("bigorder_ret", -1, "bar+n", "%", "minute"),
)
# made from trades and orders, by features/level2
_LEVEL2 = (
    Factor("bigorder_amt_perc", +1, "l2", "d", "trade"),
    Factor("early_bigorder_buy_perc", +1, "l2", "d", "trade"),
    Factor("bigorder_ret2", -1, "l2", "%", "trade"),
    Factor("early_active_bigorder_ret", +1, "l2", "%", "trade"),
    Factor("concentration_diff", -1, "l2", "d", "trade"),
    Factor("early_active_buy_perc", +1, "l2", "d", "trade"),
    Factor("corr_netactivebuy_lastret", -1, "l2", "d", "trade"),
    Factor("corr_netactivebuy_nextret", -1, "l2", "d", "trade"),
    Factor("skew_order_diff", -1, "l2", "d", "order"),
    Factor("kurt_order_diff", -1, "l2", "d", "order"),
    Factor("early_kurt_order", -1, "l2", "d", "order"),
    Factor("corr_buyorder_volume_price", -1, "l2", "d", "order"),
)
CATALOGUE = _HUATAI27_BARS + _OPEN15 + _TRADE_COUNTS + _LEVEL2

NAMES = tuple(factor.name for factor in CATALOGUE)
FACTORS = {factor.name: factor for factor in CATALOGUE}
TIERS = ("bar", "bar+n", "l2")
LEVEL2 = tuple(factor.name for factor in _LEVEL2)
# the columns of the bar kernel, in its order; and where those begin that need trade counts
KERNEL = tuple(name for name in NAMES if name not in LEVEL2)
SIGNS = {factor.name: factor.sign for factor in CATALOGUE if factor.sign}
_EXACT = tuple(factor.name for factor in _HUATAI27_BARS if not factor.proxy_of)
PRESETS = {
    "huatai27": tuple(factor.name.removesuffix(PROXY) for factor in _HUATAI27_BARS),
    "open27": _EXACT + tuple(factor.name for factor in _OPEN15),
}
HUATAI27 = tuple(factor.name for factor in _HUATAI27_BARS)


def resolve(preset: str, trades: bool = False, level2: bool = False) -> tuple[str, ...]:
    """The factors of a preset in the best tier that the data allow, in the preset's order.

    trades: the bars carry trade counts. level2: there are trades and orders. A factor whose tier is missing gives way
    to its bar proxy (`_px`). ConfigError for a preset that is not in PRESETS.

    >>> resolve("huatai27")[10], resolve("huatai27", trades=True)[10], resolve("huatai27", level2=True)[15]
    ('corr_volume_item_px', 'corr_volume_item', 'bigorder_amt_perc')
    """
    if preset not in PRESETS:
        raise ConfigError(f"preset {preset!r} is unknown, must be one of {', '.join(PRESETS)}")
    there = {"bar": True, "bar+n": trades, "l2": level2}
    return tuple(name if there[FACTORS[name].tier] else name + PROXY for name in PRESETS[preset])
