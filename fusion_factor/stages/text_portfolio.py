"""`text_portfolio`: the text factor's monthly test, and its top layer refined to few stocks, through the simulator."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.backtest import Parameters, Result, StockData, years
from fusion_factor.core.errors import DataError
from fusion_factor.evaluation import PriceBook, block_length, evaluate, figure_intervals
from fusion_factor.market.calendar import with_sessions_ahead
from fusion_factor.market.store import Market
from fusion_factor.scores import read_scores
from fusion_factor.stages.evaluate import summary, write_evaluation
from fusion_factor.stages.markets import market_of
from fusion_factor.stages.rotate_files import annual_interval, write_json
from fusion_factor.stages.settings import Settings
from fusion_factor.stages.stage import Outcome, Stage, Workspace
from fusion_factor.stages.text_inputs import DailyPrices
from fusion_factor.stages.text_selection import Grid, month_ends, portfolio_scores
from fusion_factor.stages.text_settings import (
    TextPortfolioSettings,
    parameters,
    portfolio_settings,
    refined_by_fused,
)
from fusion_factor.stages.text_tables import stock_tables

log = logging.getLogger("fusion_factor")

_SOURCES = ("evaluate", "markets", "rotate_files", "text_inputs", "text_selection", "text_settings", "text_tables")
_TABLES = ("nav", "executions", "holdings", "blocked", "contribution", "trades")


def work(settings: Settings, workspace: Workspace, folder: Path) -> Outcome:
    """Judge the factor month by month, pick, simulate.

    Writes factor/ (ic.csv, layers.csv, metrics.json, intervals.csv of the monthly test), picks.csv (every name of the
    top layer at every signal), and the portfolio's nav, executions, holdings, blocked, contribution, trades, years,
    metrics, interval, params.
    """
    options = portfolio_settings(settings)
    market = market_of(settings, workspace)
    prices = DailyPrices(market)
    factor = read_scores(workspace.folder("text") / "text.parquet")
    fused = read_scores(workspace.folder("scores") / "scores.parquet") if refined_by_fused(settings) else None
    grid = month_ends(market, factor)
    tested = monthly_test(folder / "factor", market, prices, factor, grid, options)
    beside = {"text": tested}
    for path in sorted((workspace.folder("text") / "others").glob("*.parquet")):
        beside[path.stem] = monthly_test(folder / path.stem, market, prices, read_scores(path), grid, options)
    pd.DataFrame(beside).T.rename_axis("inputs").to_csv(folder / "beside.csv")
    picks = portfolio_scores(grid, market, prices, factor, fused, options.refine)
    if picks.empty:
        raise DataError(
            f"text_portfolio: no month end has {options.refine.min_covered} covered names "
            f"(text_portfolio.refine.min_covered) and a second factor; the most is {grid.most_covered} names"
        )
    picks.to_csv(folder / "picks.csv", index=False, date_format="%Y-%m-%d")
    params = with_dates(options, market, picks)
    tables = stock_tables(market, prices, options.gone_after)
    data = StockData(
        scores=picks[["date", "symbol", "score"]],
        sessions=pd.DataFrame({"date": with_sessions_ahead(market.sessions)}),
        **tables,
    )
    result = data.run(params)
    write_portfolio(folder, result, options, params)
    signals, executions = picks["date"].nunique(), int(result.metrics["executions"])
    return Outcome(
        rows={"month_ends": len(grid.days), "signals": signals, "executions": executions},
        warnings={"orders blocked": len(result.blocked), "signals kept": int(result.metrics["kept"])},
        about={"factor": tested, "portfolio": {name: result.metrics[name] for name in _FIGURES}},
    )


_FIGURES = (
    "annual_return", "annual_excess", "annual_volatility", "max_drawdown", "sharpe", "calmar", "mean_turnover",
    "annual_cost",
)  # fmt: skip


def monthly_test(
    folder: Path, market: Market, prices: DailyPrices, factor: pd.DataFrame, grid: Grid, options: TextPortfolioSettings
) -> dict[str, Any]:
    """RankIC and layers of the factor at month ends against the return to the next one; its summary."""
    book = PriceBook.of(prices_table(market, prices), market.sessions)
    dates = [str(day) for day in grid.days]
    at_ends = factor[factor["date"].isin(grid.days.astype("datetime64[s]"))][["date", "symbol", "score"]]
    result = evaluate(
        at_ends, book, grid="explicit", signal_dates=dates, horizon="next", label="close", layers=options.refine.layers,
        min_names=options.min_names,
    )  # fmt: skip
    write_evaluation(folder, result)
    figure_intervals(result, draws=2000, level=0.95, seed=0).to_csv(folder / "intervals.csv", index=False)
    return summary(result)


def prices_table(market: Market, prices: DailyPrices) -> pd.DataFrame:
    """`stock_prices` with the rows on which a stock trades: a layer does not earn a carried price."""
    table = market.table("stock_prices")
    t = np.searchsorted(market.sessions, table["date"].to_numpy().astype("datetime64[D]"))
    n = pd.Index(market.symbols).get_indexer(table["symbol"])
    return table[np.isfinite(prices.raw_tn[t, n])].reset_index(drop=True)


def with_dates(options: TextPortfolioSettings, market: Market, picks: pd.DataFrame) -> Parameters:
    """The portfolio's parameters; it starts with the first month end that has picks."""
    given = dict(options.portfolio)
    first = str(picks["date"].min().date())
    given["start"] = max(str(given.get("start") or first), first)
    return parameters(given, "series" if market.has("benchmark") else "pool_mean")


def write_portfolio(folder: Path, result: Result, options: TextPortfolioSettings, params: Parameters) -> None:
    """The tables and figures of the simulation."""
    for name in _TABLES:
        getattr(result, name).to_csv(folder / f"{name}.csv", index=False, date_format="%Y-%m-%d")
    years(result.nav).to_csv(folder / "years.csv", index=False)
    write_json(folder / "metrics.json", result.metrics)
    refine = {name: getattr(options.refine, name) for name in ("layers", "by", "least_names", "min_covered")}
    refine["factors"] = dict(options.refine.factors) if options.refine.by == "simple" else {}
    told = {"refine": refine, "benchmark_kind": params.benchmark_kind, "top_k": params.top_k}
    told |= {"cost_buy": params.buy_rate, "cost_sell": params.sell_rate}
    told |= {"execute": params.execute, "empty": params.empty}
    write_json(folder / "params.json", told)
    excess = result.path.excess
    block = block_length(excess) if len(excess) > 2 else 1
    ends = {
        name: annual_interval(path, result.metrics[name], {}, block)
        for name, path in (("annual_excess", excess), ("annual_return", result.path.returns))
    }
    write_json(folder / "interval.json", {**ends, "level": 0.95, "block": block})


STAGE = Stage(
    name="text_portfolio",
    purpose="holding the best stocks of the text factor",
    artifact="text_portfolio",
    needs=("market", "text"),
    config=("text_portfolio", "data"),
    rooms=(
        *("core", "market", "text", "backtest", "evaluation", "scores", "features"),
        *(f"stages/{name}.py" for name in _SOURCES),
    ),
    check=portfolio_settings,
    work=work,
    content=("*.csv", "*.json", "factor/*"),
    enabled=lambda settings: bool(settings.raw["text"]["enabled"]),
    needs_by=lambda settings: ("scores",) if refined_by_fused(settings) else (),
)
