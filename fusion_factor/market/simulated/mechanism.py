"""What moves expected returns in a simulated market, and the oracle that knows it.

Each stock carries latent states, stationary Gaussian AR(1) processes of unit variance. Three kinds:

* `path`    driven by the stock's own return shock, so that the state is an exponential mean of past returns and is
            visible in the path of prices;
* `volume`  moves the stock's daily volume, visible in the path of volumes;
* `shape`   moves the shape of the minutes within a session, visible in intraday factors alone.

The drift of session t+1 is a sum of terms, each a weight times a product of bent states at the close of t:

* `rise`    erf(k x / sqrt 2): saturates on both sides;
* `above`   Phi(k (x - 0.5)) less its mean: counts only beyond a threshold;
* `hump`    exp(-k^2 x^2 / 2) less its mean: both extremes are the same, so no straight line sees it.

States within one term are independent, and for Gaussian x each bent mean has a closed form, so the conditional
expectation of the drift at any later session is exact.

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
class Bend:
    """A bent state: the state's name, `rise`, `above` or `hump`, and its steepness k."""

    state: str
    kind: str = "rise"
    steepness: float = 1.5


@dataclass(frozen=True)
class Term:
    """One term of the drift: `weight` (return a session) times the product of its bends."""

    weight: float
    bends: tuple[Bend, ...]


STATES = (
    State("short_path", "path", 7),
    State("long_path", "path", 25),
    State("volume", "volume", 7, 0.1),
    State("middle", "shape", 20),
    State("down", "shape", 20),
    State("sticky", "shape", 20),
    State("burst", "shape", 20),
)
STATE_NAMES = tuple(state.name for state in STATES)
POSITION = {name: q for q, name in enumerate(STATE_NAMES)}
THRESHOLD = 0.5
TERMS = (
    Term(-8.8e-4, (Bend("short_path"),)),
    Term(15.5e-4, (Bend("short_path"), Bend("volume"))),
    Term(18.8e-4, (Bend("long_path", "hump", 1.4),)),
    Term(-6.7e-4, (Bend("volume"),)),
    Term(-4.6e-4, (Bend("sticky"),)),
    Term(-4.6e-4, (Bend("burst"),)),
    Term(2.1e-4, (Bend("sticky"), Bend("burst"))),
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
    bent: dict[Bend, FloatArray] = {}
    total = np.zeros(states_qn.shape[1])
    for term in terms:
        product = np.full(states_qn.shape[1], float(term.weight))
        for bend in term.bends:
            if bend not in bent:
                bent[bend] = _expected_bend(states_qn, bend, ahead)
            product *= bent[bend]
        total += product
    return total


def _expected_bend(states_qn: FloatArray, bend: Bend, ahead: int) -> FloatArray:
    """E[bend(x)] for x with the mean and variance that the state has `ahead` sessions later."""
    q, k = POSITION[bend.state], bend.steepness
    keep = STATES[q].decay ** ahead
    mean, variance = keep * states_qn[q], 1.0 - keep * keep
    spread = 1.0 + k * k * variance
    if bend.kind == "rise":
        return erf(k * mean / math.sqrt(2.0 * spread))
    if bend.kind == "above":
        usual = 0.5 + 0.5 * math.erf(-k * THRESHOLD / math.sqrt(2.0 * (1.0 + k * k)))
        return 0.5 + 0.5 * erf(k * (mean - THRESHOLD) / math.sqrt(2.0 * spread)) - usual
    return np.exp(-0.5 * k * k * mean * mean / spread) / math.sqrt(spread) - 1.0 / math.sqrt(1.0 + k * k)


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
