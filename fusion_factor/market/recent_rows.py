"""The last rows of a dated table of a stored market, without its years of history: filtered while the file is read.

A window alone does not know what was carried into it (the last traded close, the last factor, the last cap): `before`
reads the older rows of the few symbols that need them.

Legend: s first date of the window, d its last one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from fusion_factor.core.errors import DataError
from fusion_factor.core.tables import check_table

Day = np.datetime64


def rows_between(name: str, path: Path, first: Day, last: Day) -> pd.DataFrame:
    """The checked rows of the table `name` dated `first` to `last`. DataError when the file cannot be read."""
    return _checked(name, path, lambda date: (pc.field("date") >= date(first)) & (pc.field("date") <= date(last)))


def rows_before(name: str, path: Path, first: Day, symbols: Sequence[str]) -> pd.DataFrame:
    """The checked rows of some symbols dated before `first`."""
    wanted = pc.field("symbol").isin(pa.array(list(symbols), pa.string()))
    return _checked(name, path, lambda date: (pc.field("date") < date(first)) & wanted)


def _checked(name: str, path: Path, rows: Any) -> pd.DataFrame:
    try:
        source = ds.dataset(path, format="parquet")
        kind = source.schema.field("date").type
        table = source.to_table(filter=rows(lambda day: pa.scalar(day.item(), pa.date32()).cast(kind)))
    except (pa.ArrowException, OSError, KeyError) as error:
        raise DataError(f"{name}: {path.name} cannot be read: {str(error).strip().splitlines()[0]}") from error
    return check_table(name, table.to_pandas())
