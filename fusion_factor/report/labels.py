"""Names of scores and strategies for people, their order on the page, and their colour keys.

A colour key is a CSS variable `--c-KEY` of `assets/page.css`, which holds a light and a dark value for each; the
same key is used in tables and charts, so one score has one colour over the whole page.
"""

from collections.abc import Iterable

SCORES = {
    "fused": "Fused",
    "fused_neutral": "Fused, neutral",
    "hf": "High frequency",
    "lf": "Low frequency",
    "lf_daily": "LF daily",
    "lf_weekly": "LF weekly",
    "lf_monthly": "LF monthly",
    "lightgbm": "LightGBM",
    "ridge": "Ridge",
    "ew27": "Equal-weighted 27",
    "reversal20": "20-session reversal",
    "oracle": "Oracle",
    "text": "Text factor",
}
MEANINGS = {
    "fused": "the high-frequency and the low-frequency score together",
    "fused_neutral": "the fused score less what industry and size explain",
    "hf": "network over the intraday factors of the last 40 sessions (HF)",
    "lf": "network over daily, weekly and monthly bars, mean of its three heads (LF)",
    "lf_daily": "one of those heads alone (so LF weekly and LF monthly)",
    "lightgbm": "boosted trees on the same windows' last values, same folds",
    "ridge": "linear model on the last inputs of the same windows, same folds",
    "ew27": "plain mean of the 27 signed, standardised intraday factors",
    "reversal20": "minus the return of the last 20 sessions",
    "text": "mean score of the analyst reports of the past three months; stocks without any have none",
    "oracle": "the signal that the simulated market was built with",
}
BASELINES = ("ew27", "reversal20", "ridge", "lightgbm")
STRATEGIES = {"theme": "Theme rotation", "concept": "Concept rotation", "industry": "Industry rotation"}
INDUSTRY_FACTORS = {
    "composite": "Composite",
    "composite_icir": "Composite, ICIR weights",
    "composite_domain": "Composite, by group",
    "composite_momdomain": "Composite, by momentum",
    "momentum_acceleration": "Momentum acceleration",
    "momentum_acceleration_raw": "Momentum acceleration, crowded ones too",
    "consensus_fy1_3m": "Consensus change FY1 3m",
    "consensus_fy2_3m": "Consensus change FY2 3m",
    "consensus_px": "Consensus change, from revisions",
    "guidance": "Company guidance",
    "cash_flow_to_profit": "Cash flow / net profit",
    "profit_growth": "Profit growth",
    "gross_margin": "Gross margin change",
    "turnover_heat": "Turnover heat",
    "amount_share": "Amount share",
}
_INDUSTRY_COLOURS = {
    "composite": "industry", "composite_icir": "theme", "composite_domain": "concept", "composite_momdomain": "extra1",
    "momentum_acceleration": "hf", "momentum_acceleration_raw": "lightgbm", "consensus_fy1_3m": "fused-neutral",
    "consensus_fy2_3m": "fused", "consensus_px": "extra4", "guidance": "extra2", "cash_flow_to_profit": "lf",
    "profit_growth": "lf-daily", "gross_margin": "lf-weekly", "turnover_heat": "ew27", "amount_share": "reversal20",
}  # fmt: skip
NETWORKS = {"hf": "High-frequency network", "lf": "Low-frequency network"}
_EXTRA = 4


def score_label(name: str) -> str:
    """The score's name for people; an unknown score keeps its own."""
    return SCORES.get(name, name)


def strategy_label(name: str) -> str:
    """The strategy's name for people."""
    return STRATEGIES.get(name, name.replace("_", " ").capitalize())


def network_label(name: str) -> str:
    """The network's name for people."""
    return NETWORKS.get(name, score_label(name))


def industry_factor_label(name: str) -> str:
    """The industry factor's name for people; an unknown one keeps its own."""
    return INDUSTRY_FACTORS.get(name, name.replace("_", " "))


def industry_factor_colour(name: str) -> str:
    """Colour key of an industry factor; the keys of scores and strategies serve again, in a section of their own."""
    return _INDUSTRY_COLOURS.get(name, _spare(name))


def ordered(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Known names first, in their order, then the others by name."""
    given = set(names)
    first = [name for name in known if name in given]
    return first + sorted(given - set(first))


def score_colour(name: str) -> str:
    """Colour key of a score; one that we do not know gets one of four spare colours, by its name alone."""
    return name.replace("_", "-") if name in SCORES else _spare(name)


def strategy_colour(name: str) -> str:
    """Colour key of a strategy."""
    return name if name in STRATEGIES else _spare(name)


def _spare(name: str) -> str:
    return f"extra{sum(name.encode()) % _EXTRA + 1}"
