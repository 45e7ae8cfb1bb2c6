"""Index prices from constituents: values worked by hand, a slow reference, and nothing from later sessions."""

import numpy as np
import pandas as pd
import pytest

from fusion_factor.core.errors import ConfigError
from fusion_factor.core.tables import check_table
from fusion_factor.market.baskets import BasketRule, basket_prices, constituents, parse_rule

SESSIONS = np.arange("2024-01-01", "2024-04-01", dtype="datetime64[D]")


def members(rows):
    made = pd.DataFrame(rows, columns=["code", "symbol", "in_date", "out_date"])
    return check_table("members", made.assign(out_date=made["out_date"].fillna("")))


def built(rows, close, rule, *, opens=None, caps=None, amounts=None, symbols=("A", "B")):
    close = np.array(close, dtype=float)
    opens = close if opens is None else np.array(opens, dtype=float)
    caps = None if caps is None else np.array(caps, dtype=float)
    amounts = None if amounts is None else np.array(amounts, dtype=float)
    sessions = SESSIONS[: len(close)]
    names = np.array(symbols, dtype=object)
    stocks = constituents(names, sessions, opens, close, rule, cap_tn=caps, amount_tn=amounts)
    return basket_prices(members(rows), stocks, rule)


BOTH = [("X", "A", "2024-01-01", None), ("X", "B", "2024-01-01", None)]


def test_cap_weights_are_those_of_the_close_before():
    # A +10 % with weight 300 of 400, B -20 % with 100: 1000 * (1 + .75 * .1 - .25 * .2) = 1025; then caps 100 : 300
    made = built(
        BOTH,
        [[10, 10], [11, 8], [11, 12]],
        BasketRule(),
        caps=[[300, 100], [100, 300], [1, 1]],
        opens=[[10, 10], [10.5, 10], [11, 10]],
        amounts=[[1, 2], [3, 4], [5, np.nan]],
    )
    np.testing.assert_allclose(made["close"], [1025.0, 1025.0 * (1 + 0.75 * 0.5)], rtol=1e-15)
    # opens: A +5 % at 3/4; then A 0, B +25 % at 3/4
    np.testing.assert_allclose(made["open"], [1000 * 1.0375, 1025.0 * (1 + 0.75 * 0.25)], rtol=1e-15)
    assert made["amount"].tolist() == [7.0, 5.0]
    assert made["date"].dt.day.tolist() == [2, 3]


def test_equal_weights_and_a_member_that_joins_and_one_that_leaves():
    rows = [("X", "A", "2024-01-01", "2024-01-03"), ("X", "B", "2024-01-03", None)]
    made = built(rows, [[10, 10], [11, 50], [99, 55], [1, 66]], BasketRule(weights="equal"))
    np.testing.assert_allclose(made["close"], [1100.0, 1210.0, 1452.0], rtol=1e-15)


def test_suspended_counts_with_zero_a_missing_row_is_left_out_and_its_jump_counts_on_return():
    nan = np.nan
    made = built(BOTH, [[10, 10], [10, 11], [nan, 11], [12, 11]], BasketRule(weights="equal"))
    np.testing.assert_allclose(made["close"], [1050.0, 1050.0, 1050.0 * 1.1], rtol=1e-15)
    short = built(BOTH, [[10, 10], [10, 11], [nan, 11], [12, 11]], BasketRule(weights="equal", max_carry=1))
    np.testing.assert_allclose(short["close"], [1050.0, 1050.0, 1050.0], rtol=1e-15)


def test_a_new_listing_waits_and_those_of_the_first_session_do_not():
    close = [[10, np.nan], [10, 5], [10, 10], [10, 20], [10, 22]]
    made = built(BOTH, close, BasketRule(weights="equal", min_history=3))
    np.testing.assert_allclose(made["close"], [1000, 1000, 1000, 1050], rtol=1e-15)


def test_a_member_without_a_cap_is_left_out_and_too_few_give_no_row():
    made = built(BOTH, [[10, 10], [11, 20], [11, 20]], BasketRule(), caps=[[1, np.nan], [1, 1], [1, 1]])
    np.testing.assert_allclose(made["close"], [1100.0, 1100.0], rtol=1e-15)
    fewer = built(BOTH, [[10, 10], [11, np.nan], [11, 20]], BasketRule(weights="equal", min_members=2, max_move=0.2))
    assert fewer["date"].dt.day.tolist() == [3]
    np.testing.assert_allclose(fewer["close"], [1000 * (1 + (0 + 0.2) / 2)], rtol=1e-15)  # doubled, clipped to 20 %


def test_a_code_without_members_in_the_market_has_no_price():
    made = built([*BOTH, ("Y", "Z", "2024-01-01", None)], [[1, 1], [1, 1]], BasketRule(weights="equal"))
    assert set(made["code"]) == {"X"}
    assert built([("Y", "Z", "2024-01-01", None)], [[1, 1], [1, 1]], BasketRule(weights="equal")).empty


def slow_close(rows, close, caps, sessions, symbols):
    """The index close, session by session and member by member."""
    level, found = 1000.0, []
    for t in range(1, len(sessions)):
        total = moved = 0.0
        for n, symbol in enumerate(symbols):
            inside = any(
                s == symbol and np.datetime64(a) <= sessions[t] and (b is None or sessions[t] < np.datetime64(b))
                for _, s, a, b in rows
            )
            before = [v for v in close[:t, n] if np.isfinite(v)]
            if inside and before and np.isfinite(close[t, n]) and np.isfinite(caps[t - 1, n]):
                total += caps[t - 1, n]
                moved += caps[t - 1, n] * (close[t, n] / before[-1] - 1)
        level *= 1 + (moved / total if total else 0.0)
        found.append(level)
    return found


def random_market(seed=0, n_symbols=12, n_sessions=60):
    rng = np.random.default_rng(seed)
    close = 10 * np.exp(np.cumsum(rng.normal(0, 0.02, (n_sessions, n_symbols)), axis=0))
    caps = rng.uniform(1e9, 1e11, close.shape)
    close[1:][rng.random(close[1:].shape) < 0.05] = np.nan
    caps[rng.random(caps.shape) < 0.05] = np.nan
    rows = []
    for n in range(n_symbols):
        begin, stop = np.sort(rng.choice(n_sessions, 2, replace=False))
        end = None if n % 3 == 0 else str(SESSIONS[stop])
        rows.append(("X", f"S{n:02d}", str(SESSIONS[begin if n > 3 else 0]), end))
    return rows, close, caps, tuple(f"S{n:02d}" for n in range(n_symbols))


def test_against_the_slow_reference():
    rows, close, caps, symbols = random_market()
    made = built(rows, close, BasketRule(min_history=0, max_carry=999), caps=caps, symbols=symbols)
    np.testing.assert_allclose(made["close"], slow_close(rows, close, caps, SESSIONS[:60], symbols), rtol=1e-12)


def test_scrambling_the_future_moves_no_bit_of_the_past():
    rows, close, caps, symbols = random_market(1)
    cut = 40
    rng = np.random.default_rng(5)
    rule = BasketRule(min_history=5)
    before = built(rows, close, rule, caps=caps, symbols=symbols)
    later = close.copy(), caps.copy()
    for values in later:
        values[cut:] = rng.uniform(1, 100, values[cut:].shape)
    # members leave and join after the cut; a new symbol appears in the middle of the byte order
    out = str(SESSIONS[cut + 2])
    changed = [(c, s, a, out if b is None and a < out else b) for c, s, a, b in rows]
    changed += [("X", "S05x", str(SESSIONS[cut + 1]), None)]
    names = tuple(sorted([*symbols, "S05x"]))
    place = names.index("S05x")
    wide = [np.insert(values, place, np.nan, axis=1) for values in later]
    wide[0][cut:, place] = 7.0
    wide[1][cut:, place] = 1e12
    after = built(changed, wide[0], rule, caps=wide[1], symbols=names)
    early = before["date"] < pd.Timestamp(SESSIONS[cut])
    assert early.sum() > 30
    for name in ("open", "close"):
        np.testing.assert_array_equal(before.loc[early, name], after.loc[: early.sum() - 1, name])
    assert not np.array_equal(before["close"].iloc[-1], after["close"].iloc[-1])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"weight": "cap"}, "unknown key 'weight'"),
        ({"weights": "gdp"}, "weights = 'gdp'"),
        ({"min_members": 0}, "min_members = 0: must be a whole number >= 1"),
        ({"max_carry": 1.5}, "max_carry = 1.5"),
        ({"max_move": 0}, "max_move = 0: must be > 0"),
    ],
)
def test_rules_are_checked(given, message):
    with pytest.raises(ConfigError, match=message):
        parse_rule(given, "pool x.baskets")


def test_cap_weights_need_caps():
    with pytest.raises(ConfigError, match="no table caps"):
        built(BOTH, [[1, 1], [1, 1]], BasketRule())
