"""Event tables: dated opinions of stocks, such as revisions by analysts and guidance by companies.

Columns: date (the session from whose close on the event is known), symbol, direction (from -1, down, to 1, up; 0 for
neither). Reports without a time of day are known on the session after their date: who makes the table sees to that.
"""

import pandas as pd

from fusion_factor.core.errors import DataError

COLUMNS = ("date", "symbol", "direction")
_WANTED = {"date": "date", "symbol": "text", "direction": "number from -1 to 1"}


def checked_events(name: str, events: pd.DataFrame) -> pd.DataFrame:
    """An event table with typed columns, by date, symbol, direction; events of one stock and day stay several.

    Raises: DataError naming table, column and value.
    """
    for column in COLUMNS:
        if column not in events.columns:
            raise DataError(
                f"events {name}: column {column} is missing (there are {', '.join(map(str, events.columns))})"
            )
    dates = pd.to_datetime(events["date"], errors="coerce")
    direction = pd.to_numeric(events["direction"], errors="coerce")
    symbols = events["symbol"].astype("str")
    for column, wrong in (
        ("date", dates.isna()),
        ("symbol", events["symbol"].isna() | (symbols.str.strip() == "")),
        ("direction", ~direction.between(-1.0, 1.0)),
    ):
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            raise DataError(f"events {name}: row {row}: {column} {events[column].iloc[row]!r} is no {_WANTED[column]}")
    table = pd.DataFrame(
        {"date": dates.astype("datetime64[s]"), "symbol": symbols, "direction": direction.astype(float)}
    )
    return table.sort_values(list(COLUMNS), kind="stable", ignore_index=True)
