"""One mapped table of vendor files as a DataFrame with our columns: symbols translated, units applied, rows filtered.

Files are read column by column with Arrow; text stays categorical, so that millions of rows cost little more than their
numbers. What a table must have and hold is `core.tables`' business; here only what a vendor's file can get wrong.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from fusion_factor.core.errors import DataError
from fusion_factor.core.table_rules import TABLES
from fusion_factor.market.cells import keep_rows, to_dates, to_numbers, to_text
from fusion_factor.market.mapping import Column, TableMap
from fusion_factor.market.stamps import to_minutes, to_stamps
from fusion_factor.market.symbols import board_of, exchange_of, translate

TEXT = ("symbol", "code", "industry", "board", "exchange", "basis")
DATES = ("date", "in_date", "out_date", "list_date", "delist_date", "announce_date", "period_end")
BATCH_ROWS = 1 << 20
_REPORT_TEXT = tuple(column.name for column in TABLES["reports"].columns if column.kind == "text")


def is_text(name: str, table: TableMap) -> bool:
    """Whether our column is text: `time` is one in a table of reports, and minutes in one of bars."""
    return name in TEXT or (table.name == "reports" and name in _REPORT_TEXT)


def read_mapped(table: TableMap) -> pd.DataFrame:
    """All files of a mapped table, one below the other, in our columns and units; text columns are categorical.

    Raises DataError naming table, column and value for a missing column, a cell that cannot be read, a symbol that is
    not of the declared style.
    """
    frames = [frame for frame in (_read_file(file, table) for file in table.files) if frame is not None]
    if not frames:
        raise DataError(f"table {table.name}: file {table.files[0].name} has no rows")
    if len(frames) == 1:
        return frames[0]
    for name in [c for c in frames[0].columns if isinstance(frames[0][c].dtype, pd.CategoricalDtype)]:
        categories = sorted(set().union(*(frame[name].cat.categories for frame in frames)))
        for frame in frames:
            frame[name] = frame[name].cat.set_categories(categories)
    return pd.concat(frames, ignore_index=True)


def their_columns(table: TableMap) -> list[str]:
    """The columns of theirs that a mapping speaks of, each once."""
    filters = [*table.where, *table.suspended, *(f for c in table.columns.values() for f in c.when)]
    named = [c.source for c in table.columns.values()] + [f.column for f in filters]
    return list(dict.fromkeys(named + ([table.exchange_column] if table.exchange_column else [])))


def batches(file: Path, table: TableMap) -> Iterator[pa.Table]:
    """The needed columns of one file in pieces of bounded size, in file order. Raises DataError for a missing
    column."""
    wanted = their_columns(table)
    if file.suffix == ".parquet":
        source = _parquet(file, table)
        _check_columns(source.schema_arrow.names, wanted, file, table)
        for batch in source.iter_batches(batch_size=BATCH_ROWS, columns=wanted):
            yield pa.Table.from_batches([batch])
        return
    try:
        with _open_csv(file, table, wanted) as reader:
            for batch in reader:
                yield pa.Table.from_batches([batch])
    except (pa.ArrowInvalid, pa.ArrowKeyError, UnicodeDecodeError) as error:
        raise DataError(f"table {table.name}: file {file.name}: {_first_line(error)}") from error


def _parquet(file: Path, table: TableMap) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file)
    except pa.ArrowInvalid as error:
        raise DataError(f"table {table.name}: file {file.name} is no readable Parquet: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _csv_options(
    table: TableMap, wanted: Sequence[str]
) -> tuple[pa_csv.ReadOptions, pa_csv.ParseOptions, pa_csv.ConvertOptions]:
    """Everything is read as text first, so that `000001` keeps its zeros and a bad cell can be named."""
    return (
        pa_csv.ReadOptions(encoding=table.encoding, block_size=1 << 24),
        pa_csv.ParseOptions(delimiter=table.separator),
        pa_csv.ConvertOptions(
            column_types=_csv_types(table, wanted), include_columns=list(wanted), strings_can_be_null=True
        ),
    )


def _csv_types(table: TableMap, wanted: Sequence[str]) -> dict[str, pa.DataType]:
    """Numbers of ours are read as float64; all the rest (text, dates, what filters look at) as text."""
    others = (*DATES, "datetime", "time")
    numbers = {c.source for ours, c in table.columns.items() if ours not in others and not is_text(ours, table)}
    filtered = {f.column for f in (*table.where, *table.suspended)}
    return {name: pa.float64() if name in numbers - filtered else pa.string() for name in wanted}


def _open_csv(file: Path, table: TableMap, wanted: Sequence[str]) -> pa_csv.CSVStreamingReader:
    read, parse, convert = _csv_options(table, wanted)
    head = pa_csv.open_csv(file, read_options=read, parse_options=parse)
    _check_columns(head.schema.names, wanted, file, table)
    head.close()
    return pa_csv.open_csv(file, read_options=read, parse_options=parse, convert_options=convert)


def _check_columns(there: Sequence[str], wanted: Sequence[str], file: Path, table: TableMap) -> None:
    for name in wanted:
        if name not in there:
            raise DataError(f"table {table.name}: file {file.name} has no column {name!r}; it has {', '.join(there)}")


def _read_file(file: Path, table: TableMap) -> pd.DataFrame | None:
    """The rows of one file; None for a CSV that has a header only."""
    if file.suffix == ".parquet":
        source = _parquet(file, table)
        wanted = their_columns(table)
        _check_columns(source.schema_arrow.names, wanted, file, table)
        return to_ours(source.read(columns=wanted), table)
    pieces = list(batches(file, table))
    return to_ours(pa.concat_tables(pieces), table) if pieces else None


def to_ours(raw: pa.Table, table: TableMap) -> pd.DataFrame:
    """Rows of theirs as rows of ours: filtered, translated, in our units."""
    where = f"table {table.name}"
    kept = np.ones(raw.num_rows, dtype=bool)
    for rule in table.where:
        kept &= keep_rows(raw[rule.column], rule, table.dates, f"{where}: column {rule.column}")
    if not kept.all():
        raw = raw.filter(pa.array(kept))
    # symbols first: rows whose symbol cannot be read are the most telling mistake
    ours = {name: _our_column(raw, name, column, table) for name, column in table.columns.items()}
    frame = pd.DataFrame(ours, copy=False)
    for name, value in table.constants.items():
        frame[name] = pd.Timestamp(str(value)) if name in DATES else value
    if "volume" in frame and table.suspended:
        hit = np.ones(raw.num_rows, dtype=bool)
        for rule in table.suspended:
            hit &= keep_rows(raw[rule.column], rule, table.dates, f"{where}: column {rule.column}")
        frame["volume"] = np.where(hit, 0.0, frame["volume"].to_numpy())
    for name, value in table.fill.items():
        if name not in frame:
            raise DataError(f"{where}: fill names the column {name}, which is not mapped")
        frame[name] = frame[name].fillna(value)
    return frame


def _our_column(raw: pa.Table, name: str, column: Column, table: TableMap) -> pd.Categorical | np.ndarray:
    where = f"table {table.name}: column {column.source}"
    cells = raw[column.source]
    if is_text(name, table):
        text = to_text(cells, where)
        return symbols_of(text, raw, table) if name == "symbol" else text
    if name in DATES:
        days = to_dates(cells, table.dates, where) + np.timedelta64(column.shift_days, "D")
        return np.where(_passes(raw, column, table), days, np.datetime64("NaT")).astype("datetime64[s]")
    if name == "datetime":
        return to_stamps(cells, where).astype("datetime64[s]")
    if name == "time":
        return to_minutes(cells, where)
    numbers = to_numbers(cells, where)
    scale = table.scale(name)
    if scale == -1.0:
        with np.errstate(divide="ignore"):
            numbers = 1.0 / numbers
    elif scale == 0.01:
        numbers = numbers / 100.0  # dividing gives the float64 nearest to the decimal price
    elif scale != 1.0:
        numbers = numbers * scale
    return numbers if not column.when else np.where(_passes(raw, column, table), numbers, np.nan)


def _passes(raw: pa.Table, column: Column, table: TableMap) -> np.ndarray:
    passed = np.ones(raw.num_rows, dtype=bool)
    for rule in column.when:
        passed &= keep_rows(raw[rule.column], rule, table.dates, f"table {table.name}: column {rule.column}")
    return passed


def symbols_of(text: pd.Categorical, raw: pa.Table, table: TableMap) -> pd.Categorical:
    """Symbols in our style. Only the distinct ones are looked at; with an exchange column, the distinct pairs."""
    if np.any(text.codes < 0):
        row = int(np.flatnonzero(text.codes < 0)[0])
        raise DataError(f"table {table.name}: empty symbol in row {row + 1}")
    if table.symbols != "bare":
        return _recoded(text.codes, translate(list(text.categories), table.symbols, table=table.name))
    digits = [value.zfill(6) for value in text.categories]  # stored as numbers, codes lose their zeros
    if table.exchange_column is None:
        given = None if table.exchange is None else [exchange_of(table.exchange)] * len(digits)
        return _recoded(text.codes, translate(digits, "bare", table=table.name, exchanges=given))
    exchange = to_text(raw[table.exchange_column], f"table {table.name}: column {table.exchange_column}")
    if np.any(exchange.codes < 0):
        raise DataError(f"table {table.name}: empty exchange in column {table.exchange_column}")
    pair = text.codes.astype(np.int64) * len(exchange.categories) + exchange.codes
    distinct, codes = np.unique(pair, return_inverse=True)
    symbols = [digits[p // len(exchange.categories)] for p in distinct]
    exchanges = [exchange.categories[p % len(exchange.categories)] for p in distinct]
    return _recoded(codes, translate(symbols, "bare", table=table.name, exchanges=exchanges))


def _recoded(codes: np.ndarray, names: list[str]) -> pd.Categorical:
    distinct = sorted(set(names))
    position = {name: i for i, name in enumerate(distinct)}
    lookup = np.array([position[name] for name in names], dtype=np.int32)
    recoded = lookup[codes] if len(lookup) else np.empty(0, np.int32)
    return pd.Categorical.from_codes(recoded, categories=pd.Index(distinct, dtype=object))


def add_boards(frame: pd.DataFrame) -> pd.DataFrame:
    """The column `board` derived from the codes of A-share symbols, where the table has none."""
    return frame if "board" in frame else frame.assign(board=[board_of(symbol) for symbol in frame["symbol"]])
