"""Symbol styles: `600519.SH` inside, other spellings translated at the door. The exchange is never guessed from digits.

| style | looks like | exchange from |
|---|---|---|
| `suffix` | 600519.SH, 430047.BJ | the text |
| `prefix` | SH600519, sh600519 | the text |
| `dotted_prefix` | sh.600519 | the text |
| `mic` | 600519.XSHG, 000001.XSHE, 430047.BJSE | the text |
| `yahoo` | 600519.SS, 000001.SZ | the text |
| `bare` | 600519 | `exchange` or a column, given in the mapping |
| `as_is` | anything | not looked at (other markets, names of pools) |
"""

import re
from collections.abc import Sequence

import numpy as np

from fusion_factor.core.errors import ConfigError, DataError

INSIDE = re.compile(r"\d{6}\.(SH|SZ|BJ)")
_PATTERNS = {
    "suffix": re.compile(r"(?P<code>\d{6})\.(?P<exchange>SH|SZ|BJ)", re.IGNORECASE),
    "prefix": re.compile(r"(?P<exchange>SH|SZ|BJ)(?P<code>\d{6})", re.IGNORECASE),
    "dotted_prefix": re.compile(r"(?P<exchange>SH|SZ|BJ)\.(?P<code>\d{6})", re.IGNORECASE),
    "mic": re.compile(r"(?P<code>\d{6})\.(?P<exchange>XSHG|XSHE|BJSE|XBSE)", re.IGNORECASE),
    "yahoo": re.compile(r"(?P<code>\d{6})\.(?P<exchange>SS|SZ|BJ)", re.IGNORECASE),
    "bare": re.compile(r"(?P<code>\d{6})"),
}
STYLES = (*_PATTERNS, "as_is")
_EXCHANGES = {
    "SH": ("SH", "SS", "SSE", "XSHG"),
    "SZ": ("SZ", "SZSE", "XSHE"),
    "BJ": ("BJ", "BSE", "BJSE", "XBSE"),
}
_EXCHANGE_OF = {name: inside for inside, names in _EXCHANGES.items() for name in names}


def exchange_of(name: str) -> str:
    """`SH`, `SZ` or `BJ` for a vendor's name of the exchange. Raises DataError for an unknown one."""
    try:
        return _EXCHANGE_OF[name.strip().upper()]
    except KeyError:
        raise DataError(f"exchange {name!r}: unknown, must be one of {', '.join(sorted(_EXCHANGE_OF))}") from None


def style_of(symbol: str) -> str:
    """The style that a symbol is written in; `as_is` when it fits none of the others."""
    return next((style for style, pattern in _PATTERNS.items() if pattern.fullmatch(symbol)), "as_is")


def check_style(style: str, where: str) -> str:
    """The style if it is known. Raises ConfigError naming the choices."""
    if style not in STYLES:
        raise ConfigError(f"{where}: symbol style {style!r} is unknown, must be one of {', '.join(STYLES)}")
    return style


def translate(symbols: Sequence[str], style: str, *, table: str, exchanges: Sequence[str] | None = None) -> list[str]:
    """Symbols of one declared style as `600519.SH`.

    `exchanges` gives one exchange name for each symbol; the style `bare` needs it. Raises DataError for a symbol that
    is not of the style (a second style in one table among them), for an exchange that is missing or unknown, and for a
    920xxx outside of Beijing.

    >>> translate(["SH600519", "sz000001"], "prefix", table="daily")
    ['600519.SH', '000001.SZ']
    >>> translate(["000001"], "bare", table="daily", exchanges=["SZSE"])
    ['000001.SZ']
    """
    check_style(style, table)
    if style == "as_is":
        return [_filled(symbol, table) for symbol in symbols]
    if style == "bare" and exchanges is None:
        raise ConfigError(
            f"table {table}: symbols of style bare need `exchange` or `exchange_column`; it is never guessed"
        )
    pattern, found = _PATTERNS[style], []
    for position, symbol in enumerate(symbols):
        match = pattern.fullmatch(_filled(symbol, table))
        if match is None:
            raise DataError(_mismatch(symbol, style, table))
        given = exchanges[position] if style == "bare" and exchanges is not None else match["exchange"]
        found.append(_joined(match["code"], exchange_of(given), symbol, table))
    return found


def _filled(symbol: str, table: str) -> str:
    if not isinstance(symbol, str) or not symbol.strip():
        raise DataError(f"table {table}: empty symbol")
    return symbol.strip()


def _mismatch(symbol: str, style: str, table: str) -> str:
    looks = style_of(symbol)
    hint = f"; it looks like style {looks}" if looks != "as_is" else ""
    return f"table {table}: symbol {symbol!r} is not of the declared style {style}{hint}"


def _joined(code: str, exchange: str, symbol: str, table: str) -> str:
    if code.startswith("920") and exchange != "BJ":
        raise DataError(f"table {table}: symbol {symbol!r}: 920xxx belongs to BJ, not to {exchange}")
    return f"{code}.{exchange}"


def check_one_style(symbols: Sequence[str] | np.ndarray, table: str) -> None:
    """Raise DataError when the symbols are written in more than one style, naming one of each."""
    example: dict[str, str] = {}
    for symbol in symbols:
        example.setdefault(style_of(str(symbol)), str(symbol))
    if len(example) > 1:
        shown = ", ".join(f"{symbol} ({style})" for style, symbol in sorted(example.items()))
        raise DataError(f"table {table}: symbols in {len(example)} styles: {shown}; must be one")


def board_of(symbol: str) -> str:
    """The board of an A-share symbol by its code: `main`, `chinext`, `star` or `bse`. Raises DataError for other
    text."""
    if not INSIDE.fullmatch(symbol):
        raise DataError(f"symbol {symbol!r}: no A-share code, its board must be given in the table stocks")
    if symbol.endswith(".BJ"):
        return "bse"
    if symbol.endswith(".SH"):
        return "star" if symbol.startswith(("688", "689")) else "main"
    return "chinext" if symbol.startswith(("300", "301", "302")) else "main"
