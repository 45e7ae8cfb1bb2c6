"""Daily price limits of A-shares (SEMANTICS 9): the dated rules as data, and exact prices in whole cents.

All price arithmetic is decimal: a float stands for its shortest decimal text (its `repr`), is rounded half up to
cents and multiplied as an integer, so that 9.95 x 1.1 = 10.945 gives 10.95, which binary floats would not.

Legend: t session, n symbol; cents are int64, `NO_LIMIT` (-1) where there is no price or no limit.
A limit is a function of the close before, the rules of the day and the listing: nothing later is looked at.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.core.spells import cover

__all__ = ["DAILY_RULES", "LISTING_RULES", "NO_LIMIT", "DailyRule", "ListingRule", "PriceLimits", "blocked", "cents"]

NO_LIMIT = -1
_UNIT = 10_000  # multipliers are kept in ten-thousandths
_LARGEST_PRICE = 1e12
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class DailyRule:
    """From session `since` on: how far a price may move from the close before, without and with special treatment."""

    board: str
    since: str
    usual: str
    special: str


@dataclass(frozen=True)
class ListingRule:
    """For listings from date `since` on: sessions without a limit, and the first session's own factors on the issue
    price where it has some."""

    board: str
    since: str
    free_sessions: int
    first_upper: str | None = None
    first_lower: str | None = None


_ALWAYS = "0001-01-01"

DAILY_RULES = (
    DailyRule("main", _ALWAYS, "0.10", "0.05"),
    DailyRule("main", "2026-07-06", "0.10", "0.10"),
    DailyRule("chinext", _ALWAYS, "0.10", "0.05"),
    DailyRule("chinext", "2020-08-24", "0.20", "0.20"),
    DailyRule("star", _ALWAYS, "0.20", "0.20"),
    DailyRule("bse", _ALWAYS, "0.30", "0.30"),
)

LISTING_RULES = (
    ListingRule("main", _ALWAYS, 1),
    ListingRule("main", "2014-01-01", 0, "1.44", "0.64"),
    ListingRule("main", "2023-04-10", 5),
    ListingRule("chinext", _ALWAYS, 1),
    ListingRule("chinext", "2014-01-01", 0, "1.44", "0.64"),
    ListingRule("chinext", "2020-08-24", 5),
    ListingRule("star", _ALWAYS, 5),
    ListingRule("bse", _ALWAYS, 1),
)


def cents(price: np.ndarray) -> np.ndarray:
    """Whole cents of prices, int64: the decimal text of each rounded half up to 0.01; NO_LIMIT where not valid.

    >>> cents(np.array([9.945, 10.944999999999999, 0.0, np.nan])).tolist()
    [995, 1094, -1, -1]
    """
    price = np.asarray(price, np.float64)
    valid = np.isfinite(price) & (price > 0)
    if (price[valid] >= _LARGEST_PRICE).any():
        raise DataError(f"stock_prices: price {price[valid].max():g} must be below {_LARGEST_PRICE:g} for price limits")
    hundred = np.where(valid, price, 0.0) * 100
    whole = np.floor(hundred + 0.5)
    # the product is off by a few units in the last place, so only prices next to half a cent need their text
    near_half = np.abs(hundred - np.floor(hundred) - 0.5) < np.maximum(1e-9, hundred * 1e-14)
    result = np.where(valid, whole, NO_LIMIT).astype(np.int64)
    if near_half.any():
        unique, back = np.unique(price[near_half], return_inverse=True)
        exact = [int(Decimal(repr(float(v))).quantize(_CENT, ROUND_HALF_UP).scaleb(2)) for v in unique]
        result[near_half] = np.array(exact, np.int64)[back]
    return result


def blocked(
    price: np.ndarray, upper: np.ndarray, lower: np.ndarray, volume: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Whether a purchase or a sale at a price cannot be done: (buy_blocked, sell_blocked), bool.

    Args:
        price: raw price of the trade, float64. upper, lower: limits in cents, or NO_LIMIT.
        volume: shares of the session, where known; 0 stands for a suspension (NaN does not). It is known only
            after the session; a suspension is known before it.
    """
    price_cents = cents(price)
    untraded = price_cents == NO_LIMIT
    if volume is not None:
        untraded = untraded | (np.asarray(volume) == 0)
    at_upper = (upper != NO_LIMIT) & (price_cents >= upper)
    at_lower = (lower != NO_LIMIT) & (price_cents <= lower)
    return untraded | at_upper, untraded | at_lower


class PriceLimits:
    """The limits of given symbols on given sessions.

    Args:
        stocks: checked table; a symbol without a row has no limits.
        st: checked table of special treatment, or None.
        sessions: datetime64[D] [T]. symbols: [N].
        daily, listing: the dated rules; of the rules of a board the last one begun counts.

    A list_date that is empty or before the first session is no new listing. Before list_date there is no limit.
    """

    def __init__(
        self,
        stocks: pd.DataFrame,
        st: pd.DataFrame | None,
        sessions: np.ndarray,
        symbols: np.ndarray,
        daily: tuple[DailyRule, ...] = DAILY_RULES,
        listing: tuple[ListingRule, ...] = LISTING_RULES,
    ) -> None:
        boards = sorted({rule.board for rule in daily})
        self._steps = _daily_steps(daily, boards, sessions)
        self._special_tn = None if st is None or st.empty else cover(st, sessions, symbols)
        row_of = pd.Series(np.arange(len(stocks)), index=stocks["symbol"].to_numpy())
        row = row_of.reindex(symbols, fill_value=-1).to_numpy()
        board_of = {board: i for i, board in enumerate(boards)}
        codes = np.array([*(board_of[board] for board in stocks["board"]), -1], np.int64)
        self._board_n = codes[row]
        listed = np.append(stocks["list_date"].to_numpy().astype("datetime64[D]"), np.datetime64("NaT"))[row]
        new = ~np.isnat(listed) & (listed >= sessions[0])
        # long before the first session where it is no new listing, so that no rule of the first days applies
        self._first_n = np.where(new, np.searchsorted(sessions, listed), -len(sessions) - 1_000_000)
        self._free_n, self._first_up_n, self._first_down_n = _listing_terms(listing, boards, self._board_n, listed)

    def multipliers(self, t: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Upper and lower factor on the close before, in ten-thousandths; 0 where there is no limit.

        t, n: session and symbol positions, broadcast together.
        """
        board = self._board_n[n]
        special = np.zeros((), np.int64) if self._special_tn is None else self._special_tn[t, n].astype(np.int64)
        step = self._steps[board, t, special]
        session_number = t - self._first_n[n] + 1
        limited = (board >= 0) & (session_number > np.maximum(self._free_n[n], 0))
        own = (session_number == 1) & (self._first_up_n[n] > 0)
        upper = np.where(own, self._first_up_n[n], _UNIT + step)
        lower = np.where(own, self._first_down_n[n], _UNIT - step)
        return np.where(limited, upper, 0), np.where(limited, lower, 0)

    def prices(self, t: np.ndarray, n: np.ndarray, pre_close: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Upper and lower limit in cents; NO_LIMIT where there is none or no valid pre_close.

        t, n: positions, broadcast together with pre_close (raw close before, adjusted for rights as published).
        """
        base = cents(pre_close)
        upper, lower = self.multipliers(t, n)
        none = (base == NO_LIMIT) | (upper == 0)
        half = _UNIT // 2
        return (
            np.where(none, NO_LIMIT, (base * upper + half) // _UNIT),
            np.where(none, NO_LIMIT, (base * lower + half) // _UNIT),
        )


def _units(factor: str) -> int:
    return int(Decimal(factor) * _UNIT)


def _daily_steps(rules: tuple[DailyRule, ...], boards: list[str], sessions: np.ndarray) -> np.ndarray:
    """Step [board, t, special treatment or not] in ten-thousandths."""
    steps = np.zeros((len(boards), len(sessions), 2), np.int64)
    for rule in sorted(rules, key=lambda rule: rule.since):
        begun = sessions >= np.datetime64(rule.since)
        steps[boards.index(rule.board), begun] = (_units(rule.usual), _units(rule.special))
    return steps


def _listing_terms(
    rules: tuple[ListingRule, ...], boards: list[str], board_n: np.ndarray, listed_n: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Free sessions and the first session's own factors (0: none) of each symbol, by board and list_date."""
    free = np.zeros(len(board_n), np.int64)
    upper, lower = free.copy(), free.copy()
    for rule in sorted(rules, key=lambda rule: rule.since):
        mine = (board_n == boards.index(rule.board)) & (listed_n >= np.datetime64(rule.since))
        free[mine] = rule.free_sessions
        upper[mine] = _units(rule.first_upper) if rule.first_upper else 0
        lower[mine] = _units(rule.first_lower) if rule.first_lower else 0
    return free, upper, lower
