"""Section 0, last part: the parameters, their defaults and choices."""

import math
from typing import Any

from .refusal import BadInput
from .tables import is_date

DEFAULTS: dict[str, Any] = {
    "pool": [],
    "strict_pool": True,
    "schedule": "weekly",
    "n": 5,
    "phase": 0,
    "signal_dates": [],
    "start": None,
    "end": None,
    "score_max_age": 0,
    "score_transform": "none",
    "aggregate": "mean",
    "top_share": 0.3,
    "min_members": 1,
    "min_coverage": 0.5,
    "smooth": 1,
    "require_price": True,
    "min_history": 1,
    "universe": None,
    "ascending": False,
    "buffer": 0,
    "underfill": "equal",
    "empty": "keep",
    "execute": "open",
    "blocked": "redistribute",
    "cost_rate": 0.0004,
    "cost_reading": "round_trip",
    "cost_buy": None,
    "cost_sell": None,
    "cost_model": "simple",
    "holding": "drift",
    "delist_haircut": 0.0,
    "benchmark_kind": "pool_mean",
    "annual_sessions": 252,
}

# Names that the text knows for other kinds; giving one here changes nothing.
OF_OTHER_KINDS = {
    "kind", "top_k", "horizon", "label", "label_lag", "grid", "min_names", "neutralise", "nw_lags", "horizons",
    "layers", "by_year", "by_size", "by_industry", "factors", "curve", "window", "method", "degree",
    "crowding_lookback", "min_crowding", "exclude_crowding", "crowding_limit", "penalty", "fy", "months",
    "roll_month", "max_age", "combine", "max_report_age", "families", "signs", "clip", "min_families", "weighting",
    "weight_months", "min_weight_months", "test",
}  # fmt: skip

CHOICES = {
    "schedule": ("weekly", "monthly", "daily", "every_n", "explicit"),
    "score_transform": ("none", "rank", "zscore"),
    "aggregate": ("mean", "median", "weight", "cap", "top_mean"),
    "underfill": ("equal", "cash", "skip"),
    "empty": ("keep", "cash"),
    "execute": ("open", "close"),
    "blocked": ("redistribute", "cash"),
    "cost_reading": ("round_trip", "each_side"),
    "cost_model": ("simple", "exact"),
    "holding": ("drift", "daily_reset"),
    "benchmark_kind": ("pool_mean", "pool_held", "series", "cash"),
    "strict_pool": (True, False),
    "require_price": (True, False),
    "ascending": (True, False),
}
COUNTS_FROM_1 = ("n", "smooth", "min_members", "min_history", "annual_sessions", "top_k")
COUNTS_FROM_0 = ("buffer", "phase", "score_max_age")
SHARES = ("top_share", "min_coverage", "delist_haircut")
DATES = ("start", "end")
LISTS = ("pool", "signal_dates")


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_empty(value: Any) -> bool:
    return value is None or value == "" or value == []


def check_one(name: str, value: Any) -> None:
    """Refuse a value outside of its choices."""
    if name in CHOICES:
        good = any(value is choice if isinstance(choice, bool) else value == choice for choice in CHOICES[name])
    elif name in COUNTS_FROM_1:
        good = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    elif name in COUNTS_FROM_0:
        good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    elif name in SHARES:
        good = is_number(value) and 0 <= value <= 1
    elif name in DATES:
        good = is_empty(value) or (isinstance(value, str) and is_date(value))
    elif name in LISTS:
        good = value is None or (isinstance(value, list) and all(isinstance(item, str) for item in value))
        if good and value and len(set(value)) < len(value):
            twice = next(item for item in value if value.count(item) > 1)
            raise BadInput(f"{name}: {twice} is there twice")
    elif name == "universe":
        good = is_empty(value) or isinstance(value, str)
    else:
        good = True
    if not good:
        raise BadInput(f"{name}: {value!r} is not allowed")


def rates(settings: dict[str, Any]) -> tuple[float, float]:
    """5.4: the cost rates per side, for buys and for sells."""
    buy, sell, rate = settings["cost_buy"], settings["cost_sell"], settings["cost_rate"]
    for name, value in (("cost_buy", buy), ("cost_sell", sell)):
        if not is_empty(value) and not (is_number(value) and 0 <= value < 0.5):
            raise BadInput(f"{name}: {value!r} must be a number >= 0 and < 0.5")
    if is_empty(buy) or is_empty(sell):  # with both given, cost_rate is neither used nor bound
        if not is_number(rate) or rate < 0:
            raise BadInput(f"cost_rate: {rate!r} must be a number >= 0")
        side = rate / 2 if settings["cost_reading"] == "round_trip" else rate
        if side >= 0.5:
            raise BadInput(f"cost_rate: {rate!r} gives {side} per side, must be < 0.5")
        buy = side if is_empty(buy) else buy
        sell = side if is_empty(sell) else sell
    return float(buy), float(sell)


def settle(kind: str, params: dict[str, Any]) -> dict[str, Any]:
    """Return all parameters with their defaults filled in, or refuse."""
    for name, value in params.items():
        if name not in DEFAULTS and name not in OF_OTHER_KINDS:
            raise BadInput(f"{name}: an unknown parameter")
        check_one(name, value)
    settings = DEFAULTS | params
    if kind in ("rotation", "stock_portfolio"):
        if "top_k" not in params:
            raise BadInput("top_k is required")
        settings["k_buy"], settings["k_sell"] = rates(settings)
        if settings["schedule"] == "explicit" and is_empty(settings["signal_dates"]):
            raise BadInput("signal_dates: no signal session between start and end")
    return settings
