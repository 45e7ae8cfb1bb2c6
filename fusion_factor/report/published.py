"""Published figures to stand beside ours, as fractions. Real A-shares, other data and dates: for orientation only.

Sources: H72 = Huatai, AI series no. 72, 2023-12-08 (model factors 2017-01-04..2023-11-30, 336 cross-sections of five
sessions, ten layers, no cost; single factors from 2013 or 2014 to 2023-11-30, five layers, 20-session means).
S1 = Huatai weekly summary, data to 2025-03-14. Turnover there is two-sided: twice ours.
"""

from dataclasses import dataclass

MODEL_SOURCE = "Huatai AI series no. 72 (2023-12-08): real A-shares, 2017-01-04 to 2023-11-30, 336 dates"
ROTATION_SOURCE = "Huatai weekly summary: real indices, from 2017/2018 to 2025-03-14"
FACTOR_SOURCE = "Huatai AI series no. 72 (2023-12-08): real A-shares, 2013/2014 to 2023-11-30, 20-session means"


@dataclass(frozen=True)
class PublishedScore:
    """RankIC on T+1..T+6 and figures of the top layer; `top_turnover` is one-sided (half of the printed figure)."""

    rank_ic: float
    rank_ic_std: float
    icir: float
    positive: float
    top_excess_annual: float
    top_month_hit: float
    top_turnover: float


@dataclass(frozen=True)
class PublishedRotation:
    """Annual return and excess over the equal-weighted pool, maximum drawdown of the excess, Sharpe of the excess."""

    annual_return: float
    annual_excess: float
    excess_max_drawdown: float
    excess_sharpe: float


SCORES = {
    "fused_neutral": PublishedScore(
        0.1147, 0.0864, 1.33, 0.9137, 0.3225, 0.8554, 0.4596
    ),  # the published test is neutral
    "fused": PublishedScore(0.1147, 0.0864, 1.33, 0.9137, 0.3225, 0.8554, 0.4596),
    "hf": PublishedScore(0.0910, 0.1025, 0.89, 0.8244, 0.2620, 0.8916, 0.40235),
    "lf": PublishedScore(0.1044, 0.0860, 1.21, 0.9018, 0.3105, 0.8675, 0.46145),
    "ew27": PublishedScore(0.0843, 0.1053, 0.80, 0.7441, 0.1214, 0.6747, 0.25065),
}

ROTATIONS = {
    "theme": PublishedRotation(0.1678, 0.1269, 0.1656, 1.00),
    "concept": PublishedRotation(0.2177, 0.1136, 0.1810, 0.96),
    "industry": PublishedRotation(0.2570, 0.2101, 0.1243, 2.02),
}

# strategy: (as of, annual return of its equal-weighted pool), (1 + annual return) / (1 + annual excess) - 1 of the
# printed figures (METHOD 3.4)
IMPLIED_SOURCE = "Huatai weekly summaries of the dates given, from the start of each published backtest"
IMPLIED = {
    "theme": (
        ("2024-06-14", 0.0062), ("2025-03-14", 0.0363), ("2025-05-09", 0.0271), ("2025-07-18", 0.0362),
        ("2025-07-25", 0.0398), ("2025-09-19", 0.0585),
    ),
    "concept": (("2024-06-14", 0.0568), ("2024-11-01", 0.0826), ("2024-12-31", 0.0760), ("2025-03-14", 0.0935)),
    "industry": (
        ("2024-06-14", 0.0168), ("2024-11-01", 0.0326), ("2024-12-31", 0.0277), ("2025-03-14", 0.0388),
        ("2025-05-09", 0.0340), ("2025-07-18", 0.0421), ("2025-07-25", 0.0454),
    ),
}  # fmt: skip

# factor: the published table of industry factors; Q1 and Q5 look like excess over the equal-weight industries
INDUSTRY_SOURCE = (
    "Shenwan, industry rotation framework (2025-12-14): 31 level-1 industries, some 9 to 11 years of months"
)
INDUSTRY = {
    "momentum_acceleration": {
        "rank_ic": 0.0380,
        "icir": 0.1258,
        "positive": 0.5565,
        "q1": -0.0311,
        "q5": 0.0244,
        "rank_ic_std": 0.302,
    },
    "consensus_fy2_3m": {
        "rank_ic": 0.0617,
        "icir": 0.2522,
        "positive": 0.6303,
        "q1": -0.0444,
        "q5": 0.0277,
        "rank_ic_std": 0.245,
    },
    "cash_flow_to_profit": {
        "rank_ic": 0.0490,
        "icir": 0.2501,
        "positive": 0.5878,
        "q1": -0.0217,
        "q5": 0.0388,
        "rank_ic_std": 0.196,
    },
    "composite": {
        "rank_ic": 0.0989,
        "icir": 0.4007,
        "positive": 0.6726,
        "q1": -0.0497,
        "q5": 0.0721,
        "rank_ic_std": 0.247,
    },
}
# The 25 stocks of the text factor's top layer (METHOD 6.5); volatility and drawdown as positive shares.
TEXT_SOURCE = "Huatai AI series no. 57 and 63 and weekly summaries: A-shares from 2009-01-23, monthly, over CSI 500"
_TEXT_KEYS = ("annual_return", "annual_excess", "annual_volatility", "max_drawdown", "sharpe", "calmar")
TEXT_PORTFOLIOS: dict[str, dict[str, float]] = {
    "BERT, to 2025-03-14": dict(zip(_TEXT_KEYS, (0.4064, 0.3225, 0.2877, 0.4869, 1.41, 0.83), strict=True)),
    "BERT, to 2024-06-14": dict(zip(_TEXT_KEYS, (0.4050, 0.3306, 0.2844, 0.4869, 1.42, 0.83), strict=True)),
    "word counts, to 2022-06-30": {"annual_return": 0.4413, "sharpe": 1.48},
}
# year: (return, excess over CSI 500) of the BERT portfolio; 2024 to 06-14
TEXT_YEARS = {
    2009: (1.4378, 0.1775), 2010: (0.6344, 0.4995), 2011: (-0.1787, 0.2779), 2012: (0.3148, 0.3081),
    2013: (1.0899, 0.7715), 2014: (0.4510, 0.0329), 2015: (1.2045, 0.5247), 2016: (0.1167, 0.2333),
    2017: (0.3914, 0.4166), 2018: (-0.1646, 0.2954), 2019: (0.9890, 0.5587), 2020: (1.0501, 0.7359),
    2021: (0.3062, 0.1573), 2022: (-0.0936, 0.1637), 2023: (0.0649, 0.1662), 2024: (0.0198, 0.0596),
}  # fmt: skip

# factor: (RankIC after its sign, ICIR)
FACTORS = {
    "late_skew_ret": (0.0174, 0.31),
    "down_vol_perc": (0.0672, 0.55),
    "corr_ret_lastret": (0.0556, 0.37),
    "corr_close_nextopen": (0.0236, 0.16),
    "volume_perc2": (0.0129, 0.14),
    "volume_perc3": (0.0400, 0.59),
    "volume_perc4": (0.0440, 0.76),
    "volume_perc5": (0.0473, 0.68),
    "volume_perc6": (0.0445, 0.67),
    "volume_perc7": (0.0435, 0.59),
    "corr_volume_item": (0.0578, 0.42),
    "early_corr_volume_ret": (0.0159, 0.22),
    "bigorder_ret": (0.0539, 0.66),
    "down_single_amt_perc": (0.0556, 0.42),
    "corr_volume_amplitude": (0.0438, 0.35),
    "bigorder_amt_perc": (0.0429, 0.32),
    "early_bigorder_buy_perc": (0.0251, 0.27),
    "bigorder_ret2": (0.0469, 0.58),
    "early_active_bigorder_ret": (0.0490, 0.49),
    "concentration_diff": (0.0502, 0.57),
    "early_active_buy_perc": (0.0261, 0.24),
    "corr_netactivebuy_lastret": (0.0588, 0.52),
    "corr_netactivebuy_nextret": (0.0417, 0.39),
    "skew_order_diff": (0.0146, 0.21),
    "kurt_order_diff": (0.0361, 0.43),
    "early_kurt_order": (0.0296, 0.25),
    "corr_buyorder_volume_price": (0.0409, 0.52),
}


def factor(name: str) -> tuple[float, float] | None:
    """Published (RankIC, ICIR) of a factor; a proxy from bars alone (`..._px`) is compared with its original."""
    return FACTORS.get(name.removesuffix("_px"))
