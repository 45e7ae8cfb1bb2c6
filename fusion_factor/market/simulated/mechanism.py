"""What moves expected returns in a simulated market, and the oracle that knows it.

Each stock carries latent states, stationary Gaussian AR(1) processes of unit variance. Three kinds:

* `path`    driven by the stock's own return shock, so that the state is an exponential mean of past returns and is
            visible in the path of prices;
* `volume`  moves the stock's daily volume, visible in the path of volumes;
* `shape`   moves the shape of the minutes within a session, visible in intraday factors alone.

The drift of session t+1 is a sum of terms, each a weight times a product of saturated states s(x) = erf(k x / sqrt 2)
at the close of t. States within one term are independent of each other, and for Gaussian x with mean m and variance v
E[s(x)] = erf(k m / sqrt(2 (1 + k^2 v))), so the conditional expectation of the drift at any later session is exact.

Legend of axes: n stock, q state.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
LABEL_START, LABEL_END = 1, 11


@dataclass(frozen=True)
class State:
    """A latent state: its kind, its half-life in sessions, and the share of its variance common to an industry."""

    name: str
    kind: str
    half_life: float
    common: float = 0.0

    @property
    def decay(self) -> float:
        """The AR(1) coefficient."""
        return 0.5 ** (1.0 / self.half_life)


@dataclass(frozen=True)
class Term:
    """One term of the drift: `weight` (return a session) times the product of s(state) with steepness k."""

    weight: float
    factors: tuple[tuple[str, float], ...]


STATES = (
    State("short_path", "path", 4),
    State("medium_path", "path", 18),
    State("long_path", "path", 60),
    State("short_volume", "volume", 6, 0.1),
    State("medium_volume", "volume", 20, 0.1),
    State("long_volume", "volume", 60, 0.1),
    State("middle", "shape", 10),
    State("down", "shape", 10),
    State("sticky", "shape", 10),
    State("burst", "shape", 10),
)
STATE_NAMES = tuple(state.name for state in STATES)
POSITION = {name: q for q, name in enumerate(STATE_NAMES)}
K = 1.5
TERMS = (
    Term(-6e-4, (("short_path", K),)),
    Term(9e-4, (("short_path", K), ("short_volume", K))),
    Term(3e-4, (("medium_path", K),)),
    Term(-6e-4, (("medium_path", K), ("medium_volume", K))),
    Term(-3e-4, (("long_path", K),)),
    Term(-4e-4, (("long_volume", K),)),
    Term(3e-4, (("middle", K),)),
    Term(5e-4, (("middle", K), ("down", K))),
    Term(-3e-4, (("sticky", K),)),
    Term(-3e-4, (("sticky", K), ("burst", K))),
)


def first_states(rng: np.random.Generator, industry_n: npt.NDArray[np.int64], n_industries: int) -> FloatArray:
    """States [Q, N] drawn from their stationary distribution."""
    shocks = state_shocks(rng, industry_n, n_industries)
    path = rng.standard_normal(len(industry_n))
    for q, state in enumerate(STATES):
        if state.kind == "path":
            shocks[q] = path
    return shocks


def state_shocks(rng: np.random.Generator, industry_n: npt.NDArray[np.int64], n_industries: int) -> FloatArray:
    """Unit-variance shocks [Q, N] of one session, with each state's share common to the stock's industry."""
    own = rng.standard_normal((len(STATES), len(industry_n)))
    common = rng.standard_normal((len(STATES), n_industries))[:, industry_n]
    share = np.array([state.common for state in STATES])[:, None]
    return np.sqrt(share) * common + np.sqrt(1.0 - share) * own


def next_states(states_qn: FloatArray, shocks_qn: FloatArray, return_shock_n: FloatArray) -> FloatArray:
    """The states one session on. `return_shock_n` (unit variance) drives the `path` states."""
    moved = np.empty_like(states_qn)
    for q, state in enumerate(STATES):
        phi = state.decay
        shock = return_shock_n if state.kind == "path" else shocks_qn[q]
        moved[q] = phi * states_qn[q] + math.sqrt(1.0 - phi * phi) * shock
    return moved


def expected_drift(states_qn: FloatArray, ahead: int, terms: tuple[Term, ...] = TERMS) -> FloatArray:
    """E[sum of terms at the states `ahead` sessions later | the states now] [N]; ahead = 0 is the drift itself."""
    saturated: dict[tuple[str, float], FloatArray] = {}
    total = np.zeros(states_qn.shape[1])
    for term in terms:
        product = np.full(states_qn.shape[1], float(term.weight))
        for factor in term.factors:
            if factor not in saturated:
                saturated[factor] = _expected_saturation(states_qn, *factor, ahead)
            product *= saturated[factor]
        total += product
    return total


def _expected_saturation(states_qn: FloatArray, name: str, steepness: float, ahead: int) -> FloatArray:
    q = POSITION[name]
    keep = STATES[q].decay ** ahead
    variance = 1.0 - keep * keep
    return erf(steepness * keep * states_qn[q] / math.sqrt(2.0 * (1.0 + steepness * steepness * variance)))


def oracle(states_qn: FloatArray, terms: tuple[Term, ...] = TERMS) -> FloatArray:
    """The expected return from the close of T+1 to the close of T+11 [N], given the states at the close of T.

    The return of session T+j has the drift of the states at T+j-1, so sessions T+2..T+11 need 1..10 steps ahead.
    Nothing after T enters: the states are those of T, the rest is their law.
    """
    return sum(
        (expected_drift(states_qn, ahead, terms) for ahead in range(LABEL_START, LABEL_END)),
        start=np.zeros(states_qn.shape[1]),
    )


def erf(x: FloatArray) -> FloatArray:
    """The error function, by the rational form 7.1.26 of Abramowitz and Stegun (absolute error below 2e-7)."""
    t = 1.0 / (1.0 + 0.3275911 * np.abs(x))
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.sign(x) * (1.0 - poly * np.exp(-x * x))
