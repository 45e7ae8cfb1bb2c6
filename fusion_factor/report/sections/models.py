"""Sections on the models: spread over seeds, the single factors behind them, training curves."""

from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.report import published
from fusion_factor.report.blocks import Block, Column, Figure, Note, Section, Table
from fusion_factor.report.data import ReportData
from fusion_factor.report.figures import bars, curves, dots
from fusion_factor.report.labels import NETWORKS, SCORES, network_label, ordered, score_colour, score_label
from fusion_factor.report.numbers import number, rounded
from fusion_factor.report.reshape import floats

ENSEMBLE = "ensemble"
MOST_CURVES = 60
MOST_EPOCHS = 120


def seeds(data: ReportData) -> Section:
    """RankIC of each seed alone and of their mean, by network."""
    explain = (
        "Every network is trained several times from different random starts (seeds) and their outputs are "
        "averaged (ensemble). "
        "If the dots lie far apart, a single training run is luck; the ensemble should lie at or above the "
        "best of them."
    )
    frame = data.seeds
    if not len(frame):
        note = Note(("There is no comparison of seeds: evaluate/seeds.csv is not there or holds nothing.",), "absent")
        return Section("seeds", "Seed spread", "Seeds", explain, [note])
    networks = ordered(frame["network"].astype(str), SCORES)
    points: list[list[Any]] = []
    means: list[list[Any]] = []
    rows = []
    for position, network in enumerate(networks):
        part = frame[frame["network"].astype(str) == network]
        for _, row in part.iterrows():
            seed, value = _seed(row["seed"]), number(row["rank_ic"])
            whole = seed == ENSEMBLE
            if value is not None:
                label = "ensemble" if whole else f"seed {seed}"
                (means if whole else points).append([position, round(value, 5), label])
        single = pd.Series(floats(part["rank_ic"]), index=[_seed(seed) for seed in part["seed"]])
        alone = single.drop(ENSEMBLE, errors="ignore").dropna()
        rows.append(
            {
                "network": network_label(network),
                "seeds": len(alone),
                "low": number(alone.min()) if len(alone) else None,
                "high": number(alone.max()) if len(alone) else None,
                "ensemble": number(single.get(ENSEMBLE)),
            }
        )
    series = [
        {"name": "single seeds", "colour": "ink-soft", "points": points, "symbol": "circle", "size": 9},
        {"name": "ensemble", "colour": "fused", "points": means, "symbol": "diamond", "size": 15},
    ]
    columns = (
        Column("network", "Network"),
        Column("seeds", "Seeds", "int"),
        Column("low", "Lowest", "pct"),
        Column("high", "Highest", "pct"),
        Column("ensemble", "Ensemble", "pct"),
    )
    names = [network_label(network) for network in networks]
    blocks: list[Block] = [
        Figure(
            "seeds-dots", "RankIC of each seed and of the ensemble", dots(names, "pct", series), 80 + 50 * len(names)
        ),
        Table("seeds-table", columns, tuple(rows)),
    ]
    return Section("seeds", "Seed spread", "Seeds", explain, blocks)


def _seed(value: Any) -> str:
    amount = number(value)
    return str(value) if amount is None else str(int(amount))


def factors(data: ReportData) -> Section:
    """The single factors, sign-adjusted, beside their published figures where there are any."""
    explain = (
        "The intraday factors that feed the high-frequency network, each tested alone. RankIC is shown after "
        "multiplying by the published sign, so positive means that the factor works the way it was published. "
        "The published columns come from real A-shares with other data and windows, and are for orientation only."
    )
    frame = data.factors
    if not len(frame):
        note = Note(
            (
                (
                    "There is no single-factor table: evaluate/factors.csv is not there or holds nothing (it "
                    "needs intraday bars)."
                ),
            ),
            "absent",
        )
        return Section("factors", "Single factors", "Factors", explain, [note])
    rows: list[dict[str, Any]] = []
    for _, row in frame.iterrows():
        paper = published.factor(str(row["factor"]))
        rows.append(
            {
                "factor": str(row["factor"]),
                "sign": number(row["sign"]),
                "rank_ic": number(row["rank_ic"]),
                "icir": number(row["icir"]),
                "count": number(row["count"]),
                "paper_rank_ic": paper[0] if paper else None,
                "paper_icir": paper[1] if paper else None,
            }
        )
    rows.sort(key=lambda row: -(row["rank_ic"] if row["rank_ic"] is not None else -9))
    papers = rounded([row["paper_rank_ic"] for row in rows], 5)
    series: list[dict[str, Any]] = [
        {"name": "this run", "colour": "hf", "y": rounded([row["rank_ic"] for row in rows], 5)}
    ]
    if any(value is not None for value in papers):
        series.append({"name": "published (real A-shares)", "colour": "ink-soft", "y": papers, "shape": "dot"})
    spec = bars([row["factor"] for row in rows], "pct", series, flat=True)
    columns = (
        Column("factor", "Factor"),
        Column("sign", "Sign", "sign", "the published direction"),
        Column("rank_ic", "RankIC", "pct"),
        Column("icir", "ICIR", "num2"),
        Column("count", "Dates", "int"),
        Column("paper_rank_ic", "Published RankIC", "pct", published.FACTOR_SOURCE),
        Column("paper_icir", "Published ICIR", "num2", published.FACTOR_SOURCE),
    )
    caption = f"Names ending in _px are proxies made from bars alone. Published: {published.FACTOR_SOURCE}."
    table = Table("factors-table", columns, tuple(rows), caption, sortable=True, folded="The numbers")
    blocks: list[Block] = [
        Figure("factors-bars", "RankIC of each factor alone, after its sign", spec, 70 + 20 * len(rows)),
        table,
    ]
    return Section("factors", "Single factors", "Factors", explain, blocks)


def training(data: ReportData) -> Section:
    """Validation and training RankIC by epoch, one small chart for each network's output."""
    explain = (
        "Each thin line is one fit (a fold and a seed): the RankIC on the validation part after each pass "
        "over the data (epoch), in colour, and on the training part, in grey. "
        "Training stops when validation no longer improves; grey far above colour means that a network learns "
        "its sample by heart."
    )
    frame = data.history
    if not len(frame):
        note = Note(("There are no training curves: train/history holds nothing.",), "absent")
        return Section("training", "Training curves", "Training", explain, [note])
    blocks: list[Block] = []
    rows = []
    for network in ordered(frame["network"].dropna().astype(str), NETWORKS):
        part = frame[frame["network"].astype(str) == network]
        for task in ordered(part["task"].fillna("").astype(str), SCORES):
            blocks.append(_curve_figure(network, task, part[part["task"].fillna("").astype(str) == task]))
        fits = part.groupby(["fold", "seed"], dropna=False)["epoch"]
        rows.append(
            {
                "network": network_label(network),
                "fits": fits.ngroups,
                "fewest": number(fits.nunique().min()),
                "most": number(fits.nunique().max()),
            }
        )
    columns = (
        Column("network", "Network"),
        Column("fits", "Fits", "int"),
        Column("fewest", "Fewest epochs", "int"),
        Column("most", "Most epochs", "int"),
    )
    blocks.append(Table("training-table", columns, tuple(rows)))
    return Section("training", "Training curves", "Training", explain, blocks)


def _curve_figure(network: str, task: str, part: pd.DataFrame) -> Figure:
    label = f"{network_label(network)}: {score_label(task)}" if task and task != network else network_label(network)
    colour = score_colour(task) if task else score_colour(network)
    groups = []
    note = ""
    for split, name, shade in (("train", "training", "ink-faint"), ("valid", "validation", colour)):
        rows = part[part["split"].fillna("").astype(str).str.startswith(split)]
        lines = []
        for (fold, seed), fit in rows.groupby(["fold", "seed"], dropna=False):
            fit = fit.sort_values("epoch")
            values = floats(fit["rank_ic"])
            if not np.isfinite(values).any():
                values = floats(fit["ic"])
            lines.append({"name": f"fold {_seed(fold)}, seed {_seed(seed)}", "y": rounded(values[:MOST_EPOCHS], 4)})
        if len(lines) > MOST_CURVES:
            note = f"The first {MOST_CURVES} of {len(lines)} fits are drawn."
        groups.append({"name": name, "colour": shade, "lines": lines[:MOST_CURVES]})
    return Figure(
        f"training-{network}-{task or 'all'}", label, curves("pct1", groups, "epoch", "RankIC"), 230, note, half=True
    )
