"""The dated exclusions are the universe's complement, say why, and know nothing of later tables."""

import numpy as np
import pandas as pd
from clean_market import SESSIONS, SYMBOLS, Clean, at

from fusion_factor.features.bars import daily_bars
from fusion_factor.features.universe import universe
from fusion_factor.quality import QualitySettings, Subject, exclusions

LISTED = 20


def varied():
    """A listing, a delisting, special treatment, a halt, a hole and an unknown volume."""
    clean = Clean()
    clean.bars = {}
    clean.drop(0, range(40))
    clean.stocks.loc[0, "list_date"] = at(40)
    clean.stocks.loc[7, "delist_date"] = at(120)
    clean.drop(7, range(120, 150))
    clean.drop(6, range(90, 97))
    clean.set(3, 66, volume=np.nan)
    return clean


def table_of(market):
    return exclusions(Subject(market, QualitySettings(min_listed=LISTED)), LISTED)


def covered(table, sessions=SESSIONS):
    """bool [T, N] by a plain loop."""
    out = np.zeros((len(sessions), len(SYMBOLS)), bool)
    for row in table.itertuples():
        for t, day in enumerate(pd.to_datetime(sessions)):
            if row.in_date <= day and (pd.isna(row.out_date) or day < row.out_date):
                out[t, SYMBOLS.index(row.symbol)] = True
    return out


def test_the_universe_is_what_no_exclusion_covers():
    market = varied().market()
    inside = universe(market, daily_bars(market), LISTED)
    np.testing.assert_array_equal(covered(table_of(market)), ~inside)
    assert inside.any()


def test_every_exclusion_has_its_reason_and_dates():
    table = table_of(varied().market())
    spells = {(row.symbol, row.reason): (row.in_date, row.out_date, row.sessions) for row in table.itertuples()}
    assert spells[SYMBOLS[0], "not_listed"] == (at(0), at(40), 40)
    assert spells[SYMBOLS[0], "young"] == (at(40), at(40 + LISTED - 1), LISTED - 1)
    assert spells[SYMBOLS[1], "suspended"] == (at(50), at(55), 5)
    assert spells[SYMBOLS[3], "unknown"] == (at(66), at(67), 1)
    assert spells[SYMBOLS[5], "st"] == (at(30), at(60), 30)
    assert spells[SYMBOLS[6], "no_row"] == (at(90), at(97), 7)
    in_date, out_date, sessions = spells[SYMBOLS[7], "delisted"]
    assert (in_date, sessions) == (at(120), 30)
    assert pd.isna(out_date)
    assert len(spells) == len(table) == 7


def test_nothing_later_moves_an_earlier_exclusion():
    last = 80
    clean = varied()
    rng = np.random.default_rng(5)
    other = varied()
    later = other.prices["date"] > at(last)
    for name in ("open", "high", "low", "close", "volume", "amount", "adj_factor"):
        other.prices.loc[later, name] = rng.permutation(other.prices.loc[later, name].to_numpy())
    other.prices = other.prices[~later | (rng.random(len(other.prices)) > 0.3)]
    other.st = pd.concat([other.st, pd.DataFrame({"symbol": SYMBOLS[:2], "in_date": at(100), "out_date": pd.NaT})])
    first, second = covered(table_of(clean.market())), covered(table_of(other.market()))
    np.testing.assert_array_equal(first[: last + 1], second[: last + 1])
    assert (first != second).any()
