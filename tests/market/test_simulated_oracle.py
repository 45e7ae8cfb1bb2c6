"""The oracle is the conditional expectation of what the market does, and knows nothing later."""

import numpy as np
import pytest
from scipy import special

from fusion_factor.market.simulated import mechanism
from fusion_factor.market.simulated.mechanism import Bend, State, Term

INDUSTRY = np.zeros(1, dtype=np.int64)


def test_erf_is_the_error_function() -> None:
    x = np.linspace(-4.0, 4.0, 801)
    np.testing.assert_allclose(mechanism.erf(x), special.erf(x), atol=2e-7)


@pytest.mark.parametrize("bend", [Bend("volume"), Bend("volume", "above", 2.0), Bend("volume", "hump", 1.4)])
def test_bends_have_mean_zero_and_exact_expectations(bend: Bend) -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    states = np.zeros((len(mechanism.STATES), len(nodes)))
    q = mechanism.POSITION["volume"]
    states[q] = nodes
    now = mechanism.expected_drift(states, 0, (Term(1.0, (bend,)),))
    assert abs(weights @ now) < 2e-4
    start = 0.8
    for ahead in (1, 4, 10):
        keep = mechanism.STATES[q].decay ** ahead
        states[q] = keep * start + np.sqrt(1.0 - keep**2) * nodes
        slow = weights @ mechanism.expected_drift(states, 0, (Term(1.0, (bend,)),))
        states[q] = start
        fast = mechanism.expected_drift(states, ahead, (Term(1.0, (bend,)),))[0]
        assert fast == pytest.approx(slow, abs=2e-4)


def test_the_oracle_is_the_mean_over_many_futures() -> None:
    rng = np.random.default_rng(0)
    futures = 60_000
    start = rng.standard_normal((len(mechanism.STATES), 1))
    states = np.repeat(start, futures, axis=1)
    industry = np.arange(futures)
    total = np.zeros(futures)
    for _ in range(10):  # the drifts of sessions T+2..T+11 come from the states at T+1..T+10
        shocks = mechanism.state_shocks(rng, industry, futures)
        states = mechanism.next_states(states, shocks, rng.standard_normal(futures))
        total += mechanism.expected_drift(states, 0)
    error = total.std() / np.sqrt(futures)
    assert total.mean() == pytest.approx(mechanism.oracle(start)[0], abs=4 * error)
    assert error < 1e-4


def test_the_drift_itself_is_the_weighted_product() -> None:
    states = np.zeros((len(mechanism.STATES), 1))
    states[mechanism.POSITION["short_path"]], states[mechanism.POSITION["volume"]] = 1.0, -0.5
    terms = (Term(2.0, (Bend("short_path", "rise", 1.0), Bend("volume", "rise", 2.0))),)
    by_hand = 2.0 * special.erf(1.0 / np.sqrt(2)) * special.erf(-1.0 / np.sqrt(2))
    assert mechanism.expected_drift(states, 0, terms)[0] == pytest.approx(by_hand, abs=1e-6)


def test_terms_multiply_independent_states_only() -> None:
    kinds = {state.name: state.kind for state in mechanism.STATES}
    for term in mechanism.TERMS:
        names = [bend.state for bend in term.bends]
        assert len(set(names)) == len(names)
        assert sum(kinds[name] == "path" for name in names) <= 1


def test_half_lives_and_shares() -> None:
    assert State("x", "shape", 10).decay ** 10 == pytest.approx(0.5)
    rng = np.random.default_rng(1)
    industry = np.repeat(np.arange(400), 5)
    shocks = mechanism.state_shocks(rng, industry, 400)
    q = mechanism.POSITION["volume"]
    within = shocks[q].reshape(400, 5).mean(axis=1).var()
    share = mechanism.STATES[q].common
    assert within == pytest.approx(share + (1 - share) / 5, rel=0.2)
    assert shocks.var(axis=1) == pytest.approx(np.ones(len(mechanism.STATES)), rel=0.2)
