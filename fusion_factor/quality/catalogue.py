"""Every check: what it says, its unit, what it needs, how strict it usually is. A new check is one entry here."""

from collections.abc import Callable
from dataclasses import dataclass

from fusion_factor.quality import calendar_checks as calendar
from fusion_factor.quality import presence_checks as presence
from fusion_factor.quality import price_checks as price
from fusion_factor.quality import volume_checks as volume
from fusion_factor.quality.flaws import Flaws
from fusion_factor.quality.settings import CheckSettings
from fusion_factor.quality.subject import Subject


@dataclass(frozen=True)
class Check:
    """says: what a finding is. unit: of values and limits. needs: columns of stock_prices without which it cannot be
    made. find: the function; None: made by the walk over the bars (bar_checks.compare_bars)."""

    says: str
    unit: str
    needs: tuple[str, ...]
    find: Callable[[Subject, float], Flaws] | None
    usual: CheckSettings


def _error(limit: float, allowed: float) -> CheckSettings:
    return CheckSettings("error", limit, allowed)


def _warning(limit: float) -> CheckSettings:
    return CheckSettings("warning", limit)


_OHLC = ("open", "high", "low", "close")
_TRADES = ("close", "volume", "amount")

CHECKS: dict[str, Check] = {
    "session_extra": Check("a session on which the exchange is closed", "", (), calendar.extra_sessions, _warning(0)),
    "session_missing": Check("a session of the exchange is absent", "", (), calendar.missing_sessions, _warning(0)),
    "price_bad": Check("a traded row without a valid price", "prices", ("close",), price.bad_prices, _error(0, 0.0001)),
    "price_order": Check("open, close or low beyond high or low", "share", _OHLC, price.disordered, _error(0, 0.001)),
    "jump": Check("adjusted close jumps, not explained", "share", ("close",), price.jumps, _error(0.215, 0.0001)),
    "factor_fall": Check("adj_factor falls", "share", ("adj_factor",), price.factor_falls, _warning(0)),
    "factor_unexplained": Check(
        "adj_factor steps, prices do not", "part", ("close", "adj_factor"), price.unexplained_steps, _error(0.5, 0.1)
    ),
    "beyond_limit": Check(
        "close beyond the price limits", "cents", ("close", "volume"), price.beyond_limits, _error(1, 0.001)
    ),
    "stale": Check("prices stand still though volume flows", "sessions", ("close",), price.stale, _warning(2)),
    "move_without_volume": Check(
        "prices move without volume", "share", ("close", "volume"), volume.moves_without_volume, _error(0, 0.01)
    ),
    "volume_empty": Check("volume is not known", "", ("close", "volume"), volume.empty_volumes, _warning(0)),
    "amount_empty": Check("amount is not known", "shares", _TRADES, volume.empty_amounts, _warning(0)),
    "vwap_outside": Check(
        "amount / volume outside of low and high", "share", _TRADES, volume.odd_vwaps,
        _error(0.001, 0.01),
    ),
    "hole": Check("no row though listed", "sessions", ("close",), presence.holes, _warning(0)),
    "late_start": Check("first row long after list_date", "sessions", ("close",), presence.late_starts, _warning(20)),
    "stop": Check("rows end, not delisted", "sessions", ("close",), presence.stops, _warning(20)),
    "long_halt": Check("no trade for very long", "sessions", ("close", "volume"), presence.long_halts, _warning(250)),
    "dead_trade": Check("trades after its delist_date", "sessions", ("close",), presence.dead_trades, _error(0, 1e-4)),
    "dead_member": Check("index member after its end", "sessions", ("close",), presence.dead_members, _warning(0)),
    "bar_close": Check("last bar's close is not the day's", "share", ("close", "volume"), None, _warning(0.00001)),
    "bar_volume": Check("bars' volume is not the day's", "share", ("close", "volume"), None, _warning(0.002)),
    "bar_amount": Check("bars' amount is not the day's", "share", _TRADES, None, _warning(0.002)),
    "bar_absent": Check("traded, but not in its bars", "", ("close", "volume"), None, _warning(0)),
    "bar_orphan": Check("traded in its bars alone", "shares", ("close", "volume"), None, _warning(0)),
}  # fmt: skip
