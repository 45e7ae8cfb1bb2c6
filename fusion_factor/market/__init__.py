"""Where tables and bars come from: one `Market` interface, its folder form, simulated markets and mapped files."""

from fusion_factor.market.store import Market, Pool, SessionBars, StoredMarket, open_market

__all__ = ["Market", "Pool", "SessionBars", "StoredMarket", "open_market"]
