"""Section 10: the parameters of the industry factors, their defaults, choices and the pairs that exclude each other."""

from typing import Any

from .parameters import DEFAULTS as OF_TRADING
from .parameters import OF_OTHER_KINDS, is_empty, is_number
from .refusal import BadInput
from .tables import is_date

FACTORS = (
    "momentum_acceleration", "momentum", "crowding", "consensus_change", "cash_flow_to_profit", "profit_growth_qoq",
    "gross_margin_change_yoy", "composite",
)  # fmt: skip
SINGLE = FACTORS[:-1]

DEFAULTS: dict[str, Any] = {
    "pool": [],
    "strict_pool": True,
    "grid": "monthly",
    "n": 5,
    "phase": 0,
    "signal_dates": [],
    "start": None,
    "end": None,
    "curve": "ln",
    "window": 60,
    "method": "difference",
    "degree": 3,
    "crowding_lookback": 250,
    "min_crowding": 60,
    "exclude_crowding": "none",
    "crowding_limit": 0.8,
    "penalty": 1.0,
    "fy": 2,
    "months": 3,
    "roll_month": 5,
    "max_age": 180,
    "combine": "sum",
    "min_members": 3,
    "max_report_age": 400,
    "families": {},
    "signs": {},
    "clip": 3.0,
    "min_families": 1,
    "weighting": "equal",
    "weight_months": 24,
    "min_weight_months": 12,
    "test": False,
    "min_names": 10,
    "nw_lags": 0,
}
CHOICES = {
    "grid": ("weekly", "monthly", "daily", "every_n", "explicit"),
    "curve": ("ln", "ratio"),
    "method": ("difference", "quadratic", "slope_difference", "savgol"),
    "exclude_crowding": ("none", "drop", "zero", "penalise", "orthogonal"),
    "combine": ("sum", "mean", "median"),
    "weighting": ("equal", "icir"),
}
SWITCHES = ("strict_pool", "test")
LEAST = {
    "n": 1, "phase": 0, "window": 1, "degree": 2, "crowding_lookback": 1, "min_crowding": 1, "months": 1, "max_age": 1,
    "min_members": 1, "max_report_age": 1, "min_families": 1, "weight_months": 1, "min_weight_months": 1,
    "min_names": 1, "nw_lags": 0,
}  # fmt: skip


def is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_text_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def is_family(value: Any) -> bool:
    """A list of single factors, not empty, none of them twice."""
    return is_text_list(value) and bool(value) and set(value) <= set(SINGLE) and len(set(value)) == len(value)


def good_number(name: str, value: Any) -> bool:
    """Counts, limits and the other numbers."""
    if name in LEAST:
        return is_integer(value) and value >= LEAST[name]
    if name == "fy":
        return is_integer(value) and value in (1, 2)
    if name == "roll_month":
        return is_integer(value) and 1 <= value <= 12
    if name == "crowding_limit":
        return is_number(value) and 0 <= value <= 1
    if name == "clip":
        return is_number(value) and value > 0
    return is_number(value)  # penalty


def good(name: str, value: Any) -> bool:
    """Whether a value is among the choices of its parameter."""
    if name in CHOICES:
        return isinstance(value, str) and value in CHOICES[name]
    if name in SWITCHES:
        return isinstance(value, bool)
    if name in ("start", "end"):
        return is_empty(value) or (isinstance(value, str) and is_date(value))
    if name in ("pool", "signal_dates"):
        return is_empty(value) or is_text_list(value)
    if name == "factors":
        return is_text_list(value) and len(value) > 0 and all(factor in FACTORS for factor in value)
    if name == "families":
        return is_empty(value) or (isinstance(value, dict) and all(is_family(family) for family in value.values()))
    if name == "signs":
        return is_empty(value) or (
            isinstance(value, dict)
            and all(factor in SINGLE and is_integer(sign) and sign in (1, -1) for factor, sign in value.items())
        )
    if name == "nw_lags" and is_empty(value):
        return True
    return good_number(name, value)


def check_one(name: str, value: Any) -> None:
    if name not in DEFAULTS and name != "factors":
        if name not in OF_TRADING and name not in OF_OTHER_KINDS:
            raise BadInput(f"{name}: an unknown parameter")
        return  # the text knows it for other kinds
    if not good(name, value):
        raise BadInput(f"{name}: {value!r} is not allowed")
    if name in ("pool", "factors", "signal_dates") and value:
        for item in value:
            if value.count(item) > 1:
                raise BadInput(f"{name}: {item} is there twice")


def check_pairs(settings: dict[str, Any]) -> None:
    """10.1 and 10.4: what excludes each other."""
    method, window, degree = settings["method"], settings["window"], settings["degree"]
    if method == "savgol" and degree >= window:
        raise BadInput(f"degree: {degree} must be below window {window}")
    if (method == "quadratic" and window < 3) or (method == "slope_difference" and window < 2):
        raise BadInput(f"window: {window} is too short for method {method}")
    named = set(settings["factors"]).union(*settings["families"].values())
    if settings["combine"] == "mean" and "cash_flow_to_profit" in named:
        raise BadInput("combine: mean has no meaning for cash_flow_to_profit")
    if settings["grid"] == "explicit" and not settings["signal_dates"]:
        raise BadInput("signal_dates: no signal session between start and end")


def settle(params: dict[str, Any]) -> dict[str, Any]:
    """Return all parameters with their defaults filled in, `families` as the composite uses them, or refuse."""
    for name, value in params.items():
        check_one(name, value)
    if "factors" not in params:
        raise BadInput("factors is required")
    settings = DEFAULTS | params
    for name in ("pool", "signal_dates", "families", "signs", "nw_lags"):
        if is_empty(settings[name]):
            settings[name] = DEFAULTS[name]
    check_pairs(settings)
    if not settings["families"]:  # each name but composite is a family of its own
        settings["families"] = {name: [name] for name in settings["factors"] if name != "composite"}
    return settings


def computed(settings: dict[str, Any]) -> set[str]:
    """The single factors that must be computed: those asked for, and those in the families of a composite."""
    names = set(settings["factors"])
    if "composite" in names:
        names = names.union(*settings["families"].values())
    return names - {"composite"}
