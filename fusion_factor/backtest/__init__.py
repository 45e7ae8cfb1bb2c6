"""What would have been earned: signals, picks, executions, NAV, benchmarks and figures from score tables.

`rotate` trades indices by the scores of their members, `stock_portfolio` trades stocks under A-share rules; both run
the same simulator. `RotationData` and `StockData` check and lay out the tables once for many settings. `metrics` and
`years` measure any NAV path, `limits` gives the price limits of stocks, `trades` says what to buy and sell
from your own holdings.
"""

from fusion_factor.backtest.cases import CASE_KINDS, run_case
from fusion_factor.backtest.metrics import metrics, years
from fusion_factor.backtest.parameters import Parameters
from fusion_factor.backtest.planned_trades import PlannedTrades, trades
from fusion_factor.backtest.price_limits import limits
from fusion_factor.backtest.result import Result
from fusion_factor.backtest.rotation import RotationData, rotate
from fusion_factor.backtest.stocks import StockData, stock_portfolio

__all__ = [
    "CASE_KINDS",
    "Parameters",
    "PlannedTrades",
    "Result",
    "RotationData",
    "StockData",
    "limits",
    "metrics",
    "rotate",
    "run_case",
    "stock_portfolio",
    "trades",
    "years",
]
