"""The table of live scores: one file a session, written once and never changed.

    live/scores/<date>.parquet     the day's rows, as in scores.parquet; its presence says that the day is done
    live/scores/<date>.json        what they were made of
    live/predictions/<network>/<date>.parquet   the networks' raw outputs, for weights that are learned from the past

The rows are renamed into place last, so that a day that was interrupted counts as not done and is made again.
"""

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fusion_factor.core.artifacts import write_file
from fusion_factor.core.errors import DataError
from fusion_factor.scores import check_scores, write_scores

SCORES, PREDICTIONS = "scores", "predictions"


class LiveTable:
    """The days in one folder, `runs/<name>/live`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def days(self) -> list[np.datetime64]:
        """The sessions that are done, in order."""
        return sorted(np.datetime64(path.stem, "D") for path in (self.folder / SCORES).glob("????-??-??.parquet"))

    def scores(self, day: np.datetime64) -> pd.DataFrame:
        """The rows of a day. DataError when it is not done, or the file cannot be read."""
        path = self._scores(day)
        try:
            return _dated(pq.read_table(path))
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"live scores of {day}: {path} cannot be read ({_short(error)})") from error

    def about(self, day: np.datetime64) -> dict[str, Any]:
        """What the day's scores were made of. DataError when it cannot be read."""
        path = self._scores(day).with_suffix(".json")
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"live scores of {day}: {path} cannot be read ({_short(error)})") from error
        if not isinstance(content, dict):
            raise DataError(f"live scores of {day}: {path} holds no manifest")
        return content

    def predictions(self, network: str, first: np.datetime64, last: np.datetime64) -> list[pd.DataFrame]:
        """The raw outputs of a network on the days from `first` to `last` that are done, in order."""
        days = [day for day in self.days if first <= day <= last]
        paths = [self._predictions(network, day) for day in days]
        for day, path in zip(days, paths, strict=True):
            if not path.is_file():
                raise DataError(f"live predictions of {network} on {day}: {path} is not there, but its scores are")
        return [_dated(pq.read_table(path)) for path in paths]

    def add(
        self,
        day: np.datetime64,
        scores: pd.DataFrame,
        predictions: Mapping[str, pd.DataFrame],
        about: Mapping[str, Any],
    ) -> bool:
        """Write a day; False when it is there with the same numbers. DataError when it is there with others."""
        checked = check_scores(scores)
        if self._scores(day).is_file():
            self._refuse_other(day, checked)
            return False
        for name, frame in predictions.items():
            _put(self._predictions(name, day), _parquet(frame))
        _put(self._scores(day).with_suffix(".json"), json.dumps(about, indent=1, default=str).encode() + b"\n")
        buffer = io.BytesIO()
        write_scores(checked, buffer)
        _put(self._scores(day), buffer.getvalue())
        return True

    def _refuse_other(self, day: np.datetime64, made: pd.DataFrame) -> None:
        """The rows that are there must be the ones that were made, to the bit."""
        there = self.scores(day)
        advice = "they are kept; remove the file if the data was rightly corrected"
        where = f"live scores of {day}: {self._scores(day)} holds other"
        if list(there.columns) != list(made.columns):
            raise DataError(f"{where} columns ({', '.join(there.columns)}; now {', '.join(made.columns)}); {advice}")
        if not np.array_equal(there["symbol"], made["symbol"]):
            one, two = set(there["symbol"]), set(made["symbol"])
            names = sorted(one ^ two) or ["order"]
            raise DataError(f"{where} symbols ({len(one - two)} gone, {len(two - one)} new, {names[0]}); {advice}")
        for name in there.columns[2:]:
            a, b = there[name].to_numpy(np.float64), made[name].to_numpy(np.float64)
            differs = (a != b) & ~(np.isnan(a) & np.isnan(b))
            if differs.any():
                row = int(differs.argmax())
                raise DataError(
                    f"{where} numbers: {int(differs.sum())} of {len(a)} in {name}, the first {there['symbol'][row]}: "
                    f"{a[row]!r} there, {b[row]!r} now; {advice}"
                )

    def _scores(self, day: np.datetime64) -> Path:
        return self.folder / SCORES / f"{day}.parquet"

    def _predictions(self, network: str, day: np.datetime64) -> Path:
        return self.folder / PREDICTIONS / network / f"{day}.parquet"


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), buffer, compression="zstd")
    return buffer.getvalue()


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write_file(path, content)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from error


def _dated(table: pa.Table) -> pd.DataFrame:
    """As pandas, dates as timestamps whatever the file holds."""
    frame = table.to_pandas()
    return frame.assign(date=pd.to_datetime(frame["date"]), symbol=frame["symbol"].astype(str))


def _short(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error) else type(error).__name__
