"""Daily bars in qlib's folder of `.bin` files: read as a market, and written from one.

    calendars/day.txt       one session a line
    instruments/all.txt     symbol, first and last session, separated by tabs
    features/sh600519/close.day.bin   float32, little-endian: the calendar position of the first value, then values

By qlib's convention prices are adjusted (raw price times `factor`) and volume is divided by it; a session without a
value is NaN. Source: qlib's documentation of its data layer (Microsoft, 2020).

Legend of axes: t session, n symbol.
"""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusion_factor.core.artifacts import fingerprint
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.core.labels import valid_price
from fusion_factor.core.tables import check_table, dense
from fusion_factor.market.checks import column
from fusion_factor.market.mapping import choice, refuse_unknown
from fusion_factor.market.reading import add_boards
from fusion_factor.market.store import Market, Pool, SessionArray, SessionBars
from fusion_factor.market.symbols import INSIDE

PRICES = ("open", "high", "low", "close", "vwap")
VOLUMES = ("adjusted", "shares")
_KEYS = ("kind", "name", "folder", "instruments", "benchmark", "volume", "decimals")


class QlibMarket(Market):
    """The daily bars of a qlib folder.

    config: folder; instruments: the list to read (`all`); benchmark: an instrument that becomes the table benchmark and
    no stock (`SH000300`), or null; volume: `adjusted` as qlib has it, or `shares` where the folder's volumes are raw;
    decimals: of raw prices, which stored / factor is rounded to (2; null: not rounded).

    Raises ConfigError for a key or word that is not known, DataError for a folder or file that is none.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        refuse_unknown(config, _KEYS, "data")
        self.folder = Path(str(config.get("folder"))).expanduser()
        self._volume = str(choice(config.get("volume", "adjusted"), VOLUMES, "data.volume"))
        self._decimals = config.get("decimals", 2)
        self._benchmark = str(config["benchmark"]) if config.get("benchmark") else None
        self._list = self.folder / "instruments" / f"{config.get('instruments') or 'all'}.txt"
        for needed in (self.folder / "calendars" / "day.txt", self._list):
            if not needed.is_file():
                raise DataError(f"qlib folder {self.folder}: {needed.relative_to(self.folder)} is not there")
        self._tables: dict[str, pd.DataFrame] = {}

    @cached_property
    def sessions(self) -> SessionArray:  # type: ignore[override]
        lines = (self.folder / "calendars" / "day.txt").read_text().split()
        try:
            days = np.array(lines, "datetime64[D]")
        except ValueError as error:
            raise DataError(f"qlib folder {self.folder}: calendars/day.txt: {error}") from error
        if not len(days) or (np.diff(days) <= np.timedelta64(0, "D")).any():
            raise DataError(f"qlib folder {self.folder}: calendars/day.txt must hold increasing dates")
        return days

    @cached_property
    def symbols(self) -> npt.NDArray[Any]:  # type: ignore[override]
        return np.array(sorted(set(self.table("stock_prices")["symbol"])), dtype=object)

    def has(self, name: str) -> bool:
        return name in ("sessions", "stock_prices", "stocks") or (name == "benchmark" and self._benchmark is not None)

    def table(self, name: str) -> pd.DataFrame:
        if not self.has(name):
            raise DataError(f"qlib folder {self.folder}: there is no table {name}")
        if name not in self._tables:
            made = {"sessions": self._days, "stock_prices": self._prices, "stocks": self._stocks}
            sessions = None if name == "sessions" else self.sessions
            self._tables[name] = check_table(name, made.get(name, self._index)(), sessions=sessions)
        return self._tables[name]

    def _days(self) -> pd.DataFrame:
        return pd.DataFrame({"date": self.sessions.astype("datetime64[s]")})

    def _prices(self) -> pd.DataFrame:
        codes = [code for code in self._instruments() if code != self._benchmark]
        parts = [self._rows(code) for code in codes]
        if not any(len(part) for part in parts):
            raise DataError(f"qlib folder {self.folder}: no instrument of {self._list.name} has a close")
        return pd.concat([part for part in parts if len(part)], ignore_index=True)

    def _instruments(self) -> list[str]:
        return list(dict.fromkeys(line.split()[0] for line in self._list.read_text().splitlines() if line.strip()))

    def _rows(self, code: str) -> pd.DataFrame:
        """The rows of one instrument that have a close: raw prices in CNY, shares, adj_factor."""
        fields = {name: self._field(code, name) for name in (*PRICES, "volume", "amount", "factor")}
        close = fields["close"]
        if close is None:
            raise DataError(f"qlib folder {self.folder}: {code} has no close.day.bin")
        factor = fields["factor"] if fields["factor"] is not None else np.ones(len(close))
        rows = np.flatnonzero(np.isfinite(close) & (factor > 0))
        out: dict[str, Any] = {"symbol": _inside(code), "date": self.sessions[rows].astype("datetime64[s]")}
        for name in PRICES:
            values = fields[name]
            if values is not None:
                raw = values[rows] / factor[rows]
                out[name] = raw if self._decimals is None else np.round(raw, int(self._decimals))
        volume, amount = fields["volume"], fields["amount"]
        if volume is not None:
            out["volume"] = volume[rows] * factor[rows] if self._volume == "adjusted" else volume[rows]
        if amount is not None:
            out["amount"] = amount[rows]
        if "open" not in out:
            out["open"] = out["close"]
        return pd.DataFrame(out).assign(adj_factor=factor[rows])

    def _field(self, code: str, name: str) -> npt.NDArray[np.float64] | None:
        """One field on the calendar [T], NaN where it has no value; None without a file."""
        path = self.folder / "features" / code.lower() / f"{name}.day.bin"
        if not path.is_file():
            return None
        content = path.read_bytes()
        values = np.frombuffer(content[: len(content) // 4 * 4], "<f4")
        start = float(values[0]) if len(values) else -1.0
        if len(content) % 4 or start < 0 or start != int(start) or start + len(values) - 1 > len(self.sessions):
            raise DataError(f"{path}: is no field on the {len(self.sessions)} sessions of the calendar")
        out = np.full(len(self.sessions), np.nan)
        out[int(start) : int(start) + len(values) - 1] = values[1:]
        return out

    def _stocks(self) -> pd.DataFrame:
        symbols = pd.unique(self.table("stock_prices")["symbol"])
        nothing = pd.Series(pd.NaT, index=range(len(symbols)), dtype="datetime64[s]")
        return add_boards(pd.DataFrame({"symbol": symbols, "list_date": nothing, "delist_date": nothing}))

    def _index(self) -> pd.DataFrame:
        assert self._benchmark is not None
        close = self._field(self._benchmark, "close")
        if close is None:
            raise DataError(f"qlib folder {self.folder}: {self._benchmark} has no close.day.bin")
        rows = np.flatnonzero(np.isfinite(close))
        return pd.DataFrame({"date": self.sessions[rows].astype("datetime64[s]"), "close": close[rows]})

    def dense(self, column: str) -> npt.NDArray[np.float64]:
        prices = self.table("stock_prices")
        if column not in prices.columns:
            raise DataError(f"stock_prices has no column {column}")
        return dense(prices, column, self.sessions, self.symbols)

    @property
    def bar_minutes(self) -> int | None:
        return None

    @property
    def bar_sessions(self) -> SessionArray:
        return np.empty(0, "datetime64[D]")

    def bars(self, session: np.datetime64) -> SessionBars:
        raise DataError(f"qlib folder {self.folder}: no bars of {session}, daily bars alone are read")

    @property
    def pools(self) -> tuple[str, ...]:
        return ()

    def pool(self, name: str) -> Pool:
        raise DataError(f"pool {name} is not one of no pools")

    @property
    def truth(self) -> pd.DataFrame | None:
        return None

    def fingerprint(self) -> str:
        return fingerprint(self.folder)


def _inside(code: str) -> str:
    """`600519.SH` of `SH600519`. Raises DataError for another style."""
    symbol = f"{code[2:]}.{code[:2].upper()}"
    if not INSIDE.fullmatch(symbol):
        raise DataError(f"qlib: instrument {code!r} is not written like SH600519")
    return symbol


def write_qlib(market: Market, folder: str | Path, *, volume: str = "adjusted") -> int:
    """Write a market's daily bars as an empty or new qlib folder; the number of instruments.

    Fields: open, high, low, close, vwap times factor; volume (`adjusted`: divided by factor, `shares`: raw); amount,
    factor, and change (close / close before - 1, a fraction, on adjusted closes). Only what the market has is written.
    Raises ConfigError for another word than these, DataError for a folder that is not empty.
    """
    choice(volume, VOLUMES, "volume")
    target = Path(folder)
    if target.exists() and any(target.iterdir()):
        raise DataError(f"qlib folder {target}: is not empty")
    for name in ("calendars", "instruments", "features"):
        (target / name).mkdir(parents=True, exist_ok=True)
    if not len(market.symbols):
        raise ConfigError("qlib: the market has no stocks")
    (target / "calendars" / "day.txt").write_text("".join(f"{day}\n" for day in market.sessions))
    there_tn = np.isfinite(market.dense("close"))
    lines, fields = [], _fields(market, volume)
    for n, symbol in enumerate(market.symbols):
        rows = np.flatnonzero(there_tn[:, n])
        if not len(rows):
            continue
        code = f"{symbol[-2:]}{symbol[:-3]}"
        lines.append(f"{code}\t{market.sessions[rows[0]]}\t{market.sessions[rows[-1]]}\n")
        place = target / "features" / code.lower()
        place.mkdir()
        for name, values_tn in fields.items():
            values = np.concatenate([[rows[0]], values_tn[rows[0] : rows[-1] + 1, n]])
            values.astype("<f4").tofile(place / f"{name}.day.bin")
    (target / "instruments" / "all.txt").write_text("".join(lines))
    return len(lines)


def _fields(market: Market, volume: str) -> dict[str, npt.NDArray[np.float64]]:
    """Every field [T, N] as qlib has it."""
    given = column(market, "adj_factor")
    close = market.dense("close")
    factor = np.where(np.isfinite(close), 1.0, np.nan) if given is None else given
    out = {name: values * factor for name in PRICES if (values := column(market, name)) is not None}
    shares, amount = column(market, "volume"), column(market, "amount")
    if shares is not None:
        out["volume"] = shares / factor if volume == "adjusted" else shares
    if amount is not None:
        out["amount"] = amount
    adjusted = pd.DataFrame(np.where(valid_price(close), close * factor, np.nan)).ffill()
    out["change"] = np.where(np.isfinite(close), (adjusted / adjusted.shift() - 1).to_numpy(), np.nan)
    return {**out, "factor": factor}
