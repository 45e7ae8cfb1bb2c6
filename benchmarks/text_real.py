"""Forecasts raised or lowered, told from the words of real reports: `benchmarks/text_real.py DATA --bert FOLDER`.

DATA holds reports.parquet and reports_adjust_text.parquet (one row a report whose forecast went up or down). A year's
reports are scored by classifiers that learnt on the last 12 (or `--train-months`) months before it that hold reports:
the data lacks whole months. Side by side: a frozen BERT, jieba's words, character bigrams, hashed n-grams; by titles
alone, and by titles with the first 120 characters of the text. The direction was itself read from the whole text by
patterns such as `raise the forecast`, so figures are also given over the reports without these words in what was read.

Vectors are kept in `--cache`. Intervals: months drawn with replacement, scores kept.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.artifacts import code_commit, package_versions
from fusion_factor.core.errors import DataError
from fusion_factor.text import (
    ClassifierSettings,
    EncoderSettings,
    RollingScores,
    RollingSettings,
    WordCounts,
    WordSettings,
    calibration,
    calibration_error,
    class_figures,
    encode,
    rolling_scores,
)  # fmt: skip
from fusion_factor.text.validation import auc

RESULTS = Path(__file__).parent / "results" / "text_real.json"
REVISIONS = "上调|下调|调高|调低|上修|下修"
DRAWS = 500
Inputs = Callable[[pd.DataFrame, argparse.Namespace], Any]


def read(data: Path) -> pd.DataFrame:
    """Reports with a direction: date, symbol, title, abstract, up; sorted by date."""
    texts = pd.read_parquet(data / "reports_adjust_text.parquet")
    abstracts = pd.read_parquet(data / "reports.parquet", columns=["rptid", "abstract"])
    frame = texts.drop(columns="text").merge(abstracts, on="rptid", how="left", validate="one_to_one")
    if frame["abstract"].isna().any():
        raise DataError(f"{data}: {frame['abstract'].isna().sum()} reports with a direction are not in reports.parquet")
    frame = frame[frame["forecast_action"].isin(["up", "down"])]
    frame = frame.assign(up=frame["forecast_action"].eq("up"), both=frame["title"] + "。" + frame["abstract"])
    return frame.sort_values(["date", "symbol", "rptid"], ignore_index=True)


def bert(column: str) -> Inputs:
    """Vectors of the frozen BERT, mean over its tokens."""

    def vectors(frame: pd.DataFrame, options: argparse.Namespace) -> Any:
        settings = EncoderSettings(kind="bert", folder=str(options.bert), threads=1, batch_tokens=2048)
        return encode(frame[column].tolist(), settings, options.cache)

    return vectors


def hashed(column: str) -> Inputs:
    """Hashed character n-grams."""
    return lambda frame, _: encode(frame[column].tolist(), EncoderSettings())


def words(tokens: str, title: int, abstract: int) -> Inputs:
    """Word counts of the training rows' vocabulary."""
    settings = WordSettings(tokens=tokens, title_words=title, abstract_words=abstract)
    return lambda frame, _: WordCounts(frame["title"].tolist(), frame["abstract"].tolist(), settings)


MODELS: dict[str, Inputs] = {
    "title: BERT": bert("title"),
    "title: words (jieba, 200)": words("jieba", 200, 0),
    "title: character bigrams (1000)": words("ngrams", 1000, 0),
    "title: hashed n-grams": hashed("title"),
    "title and 120 characters: words (jieba, 200 and 1000)": words("jieba", 200, 1000),
    "title and 120 characters: character bigrams (200 and 1000)": words("ngrams", 200, 1000),
    "title and 120 characters: hashed n-grams": hashed("both"),
    "title and 120 characters: BERT": bert("both"),
}


def scored(frame: pd.DataFrame, inputs: Any, options: argparse.Namespace, **more: Any) -> RollingScores:
    """Rolling out of sample; the direction of a report is known on its day."""
    date_n = frame["date"].to_numpy(dtype=str).astype("datetime64[D]")
    settings = RollingSettings(
        train_months=options.train_months, use_months=12, first_use="2009-01", count_empty_months=False,
        class_edges=(-0.5, 0.5), classifier=ClassifierSettings(penalties=(0.01, 0.1, 1.0), **more),
    )  # fmt: skip
    stock_n = pd.factorize(frame["symbol"])[0]
    group_n = frame.groupby(["symbol", "date"]).ngroup().to_numpy()
    direction_n = np.where(frame["up"], 1.0, -1.0)
    return rolling_scores(inputs, direction_n, date_n, date_n, group_n, settings, stock_n=stock_n)


def judged(frame: pd.DataFrame, found: RollingScores, read_column: str) -> dict[str, Any]:
    """Figures over all scored reports, over those without the words of a revision, and by year."""
    plain = ~frame[read_column].str.contains(REVISIONS).to_numpy()
    year_n = frame["date"].str[:4].to_numpy()
    known = found.fold_n >= 0
    table = calibration(found.p_nk, found.class_n)
    up = table[table["class"] == "up"].drop(columns="class")
    return {
        "all": figures(found, known),
        "without_revision_words": figures(found, known & plain),
        "by_year": {year: figures(found, known & (year_n == year)) for year in np.unique(year_n[known])},
        "calibration_error": calibration_error(up),
        "calibration": up.round(4).to_dict("records"),
        "chosen": [fold.get("chosen") for fold in found.folds],
    }


def figures(found: RollingScores, rows: np.ndarray) -> dict[str, float]:
    each = class_figures(found.p_nk[rows], found.class_n[rows])
    return {name: round(float(value), 4) for name, value in each.items()}


def intervals(frame: pd.DataFrame, scores: dict[str, RollingScores]) -> dict[str, Any]:
    """95 % intervals of each AUC, and of its distance from the first model of the same texts."""
    month_n = frame["date"].str[:7].to_numpy()
    known = next(iter(scores.values())).fold_n >= 0
    rows_of = [np.flatnonzero(known & (month_n == month)) for month in np.unique(month_n[known])]
    rng = np.random.default_rng(0)
    draws = [np.concatenate([rows_of[k] for k in rng.integers(0, len(rows_of), len(rows_of))]) for _ in range(DRAWS)]
    up_n = frame["up"].to_numpy()
    drawn = {name: np.array([auc(each.score_n[rows], up_n[rows]) for rows in draws]) for name, each in scores.items()}
    first = next(iter(drawn))
    return {
        name: {
            "auc": np.quantile(values, [0.025, 0.975]).round(4).tolist(),
            f"less than {first}": np.quantile(drawn[first] - values, [0.025, 0.5, 0.975]).round(4).tolist(),
        }
        for name, values in drawn.items()
    }


def main() -> None:
    """Score with each model, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--bert", type=Path, help="a Hugging Face folder; without it the BERT is left out")
    parser.add_argument("--cache", type=Path, default=Path("text_vectors"))
    parser.add_argument("--train-months", type=int, default=12)
    parser.add_argument("--only", nargs="*", help="models whose name holds one of these words")
    parser.add_argument("--trees", action="store_true", help="XGBoost too, one point of its grid")
    options = parser.parse_args()
    frame = read(options.data)
    chosen = {
        name: inputs
        for name, inputs in MODELS.items()
        if ("BERT" not in name or options.bert) and (not options.only or any(word in name for word in options.only))
    }
    scores, result, took = {}, {}, {}
    for name, inputs in chosen.items():
        began = time.process_time()
        prepared = inputs(frame, options)
        ways: dict[str, dict[str, Any]] = {name: {}}
        if options.trees:
            ways[f"{name}, XGBoost"] = {
                "kind": "xgboost", "learning_rates": (0.05,), "depths": (3,), "subsamples": (0.8,), "parts": 2,
            }  # fmt: skip
        for way, more in ways.items():
            scores[way] = scored(frame, prepared, options, **more)
            result[way] = judged(frame, scores[way], "title" if name.startswith("title:") else "both")
            took[way] = round(time.process_time() - began, 1)
            print(f"{way:62s} {result[way]['all']} without revision words {result[way]['without_revision_words']}")
    months = sorted(frame["date"].str[:7].unique())
    content = {
        "reports": len(frame), "up": int(frame["up"].sum()), "months": len(months), "first": months[0],
        "last": months[-1], "train_months": options.train_months, "models": result,
        "windows": [{name: fold[name] for name in ("cut", "end", "train_rows", "use_rows", "fitted")}
                    for fold in next(iter(scores.values())).folds],
        "intervals": intervals(frame, scores), "processor_seconds": took, "load_average": os.getloadavg()[0],
        "versions": package_versions(), "commit": code_commit(),
    }  # fmt: skip
    RESULTS.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
