"""The score table: `date, symbol, score` and component columns. Everything downstream reads it and nothing else."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd

from fusion_factor.core.errors import ConfigError, DataError

FORMS = ("parquet", "csv", "wide", "alphalens", "qlib")


def score_table(columns: Mapping[str, np.ndarray], sessions: np.ndarray, symbols: np.ndarray) -> pd.DataFrame:
    """Long table from arrays [T, N]: a row wherever `score` is finite; other columns may be empty there."""
    score_tn = columns["score"]
    t, n = np.nonzero(np.isfinite(score_tn))
    data = {name: values_tn[t, n] for name, values_tn in columns.items()}
    return pd.DataFrame({"date": pd.DatetimeIndex(sessions[t]), "symbol": np.asarray(symbols, dtype=object)[n], **data})


def check_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """The table sorted by date and symbol; DataError for a missing column, a duplicate key or an infinite score.

    Rows without a score are left out: a score table never holds them.
    """
    for column in ("date", "symbol", "score"):
        if column not in scores:
            raise DataError(f"scores: column {column} is missing")
    kept = scores[scores["score"].notna()].sort_values(["date", "symbol"], ignore_index=True)
    bad = kept[~np.isfinite(kept["score"].to_numpy(float))]
    if len(bad):
        raise DataError(f"scores: {bad.symbol.iloc[0]} on {bad.date.iloc[0]:%Y-%m-%d}: the score is infinite")
    twice = kept[kept.duplicated(["date", "symbol"])]
    if len(twice):
        raise DataError(f"scores: {twice.symbol.iloc[0]} on {twice.date.iloc[0]:%Y-%m-%d}: the key is there twice")
    return kept


def write_scores(scores: pd.DataFrame, path: str | Path | IO[bytes]) -> None:
    """Write Parquet (date32, string, float64) to a file or an open stream, after `check_scores`."""
    _write(check_scores(scores), path, ("date",))


def write_weights(weights: pd.DataFrame, path: str | Path) -> None:
    """Write the weights of parts by date (see `Weights.table`) as Parquet, with dates as date32."""
    _write(weights, path, ("date", "label_until"))


def _write(frame: pd.DataFrame, path: str | Path | IO[bytes], dates: Sequence[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame, preserve_index=False)
    for name in dates:
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, table.column(name).cast(pa.date32()))
    pq.write_table(table, path, compression="zstd")


def read_scores(path: str | Path) -> pd.DataFrame:
    """Read a score table from Parquet or CSV and check it."""
    source = Path(path)
    if not source.is_file():
        raise DataError(f"scores: no file {source}")
    frame = pd.read_csv(source, dtype={"symbol": str}) if source.suffix == ".csv" else pd.read_parquet(source)
    return check_scores(frame.assign(date=pd.to_datetime(frame["date"]), symbol=frame["symbol"].astype(str)))


def wide(scores: pd.DataFrame, column: str = "score") -> pd.DataFrame:
    """Sessions down, symbols across: the form that vectorbt users bring."""
    return scores.pivot(index="date", columns="symbol", values=column)


def alphalens(scores: pd.DataFrame, column: str = "score") -> pd.Series:
    """Series with MultiIndex (date, asset), as alphalens reads factors."""
    indexed = scores.set_index(["date", "symbol"])[column]
    return indexed.rename_axis(["date", "asset"]).rename("factor")


def qlib(scores: pd.DataFrame, column: str = "score") -> pd.DataFrame:
    """Frame with MultiIndex (datetime, instrument) and one column `score`; `600519.SH` becomes `SH600519`."""
    code, exchange = scores["symbol"].str[:-3], scores["symbol"].str[-2:]
    index = pd.MultiIndex.from_arrays([scores["date"], exchange + code], names=["datetime", "instrument"])
    return pd.DataFrame({"score": scores[column].to_numpy()}, index=index).sort_index()


def export(scores: pd.DataFrame, folder: str | Path, forms: Sequence[str]) -> list[Path]:
    """Write the table in each of `forms` (see `FORMS`) into `folder`; the paths written."""
    written = []
    for form in forms:
        if form not in FORMS:
            raise ConfigError(f"forms: {form!r} is not one of {', '.join(FORMS)}")
        name = {"parquet": "scores.parquet", "csv": "scores.csv"}.get(form, f"scores_{form}.csv")
        path = Path(folder) / name
        if form == "parquet":
            write_scores(scores, path)
        elif form == "csv":
            scores.to_csv(path, index=False, date_format="%Y-%m-%d")
        else:
            shaped: pd.DataFrame = {"wide": wide, "alphalens": lambda s: alphalens(s).to_frame(), "qlib": qlib}[form](
                scores
            )
            shaped.to_csv(path, date_format="%Y-%m-%d")
        written.append(path)
    return written
