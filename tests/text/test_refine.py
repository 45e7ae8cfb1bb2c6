"""The top layer and its second factor, by hand and against plain loops."""

import numpy as np
import pytest

from fusion_factor.text.refine import SIMPLE_FACTORS, combined, refined, simple_factors, top_layer

NAN = np.nan


def test_the_top_layer_is_the_last_of_equal_parts() -> None:
    factor_gn = np.array([[1.0, 5.0, NAN, 3.0, 4.0, 2.0, 6.0], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0]])
    # six names in three layers of two; seven names in three layers, positions 5 and 6 of 0..6 are the last
    assert top_layer(factor_gn, 3).tolist() == [
        [False, True, False, False, False, False, True],
        [False, False, False, False, False, True, True],
    ]
    assert top_layer(factor_gn, 7, least=3)[0].tolist() == [False, True, False, False, True, False, True]
    assert top_layer(factor_gn, 7, least=20)[0].tolist() == [True, True, False, True, True, True, True]
    assert not top_layer(np.full((1, 3), NAN), 2, least=2).any()


def test_refined_ranks_within_the_layer_and_puts_unknown_names_last() -> None:
    top_gn = np.array([[True, True, False, True], [True, False, False, False]])
    second_gn = np.array([[0.5, NAN, 9.0, -0.5], [NAN, 1.0, 1.0, 1.0]])
    np.testing.assert_allclose(refined(top_gn, second_gn), [[0.5, -1.5, NAN, -0.5], [0.0, NAN, NAN, NAN]])


def test_combined_is_the_mean_of_signed_zscores_within_the_layer() -> None:
    within_gn = np.array([[True, True, True, False]])
    factors = {"a": np.array([[1.0, 2.0, 3.0, 99.0]]), "b": np.array([[4.0, NAN, 2.0, 0.0]])}
    z = np.sqrt(1.5)
    expected = [[(-z - 1) / 2, 0.0, (z + 1) / 2, NAN]]
    np.testing.assert_allclose(combined(factors, {"a": 1.0, "b": -1.0}, within_gn), expected)


def test_simple_factors_equal_plain_loops_and_look_back_only() -> None:
    rng = np.random.default_rng(2)
    close_tn = 10 * np.exp(np.cumsum(rng.normal(0, 0.02, (560, 4)), axis=0))
    close_tn[:, 1][rng.random(560) < 0.2] = NAN
    close_tn[:530, 2] = NAN
    turnover_tn = rng.uniform(0.001, 0.02, (560, 4))
    turnover_tn[np.isnan(close_tn)] = NAN
    at_g = np.array([300, 540])
    found = simple_factors(close_tn, close_tn, turnover_tn, at_g)
    assert tuple(found) == SIMPLE_FACTORS
    for g, t in enumerate(at_g):
        for n in range(4):
            steps = close_tn[t - 119 : t + 1, n] / close_tn[t - 120 : t, n] - 1
            steps = steps[np.isfinite(steps)]
            spread = steps.std(ddof=1) if len(steps) >= 60 else NAN
            np.testing.assert_allclose(found["volatility_6m"][g, n], spread, rtol=1e-8)
            np.testing.assert_allclose(found["ln_price"][g, n], np.log(close_tn[t, n]))
            long, short = turnover_tn[max(t - 479, 0) : t + 1, n], turnover_tn[t - 19 : t + 1, n]
            long, short = long[np.isfinite(long)], short[np.isfinite(short)]
            bias = short.mean() / long.mean() - 1 if len(long) >= 240 and len(short) >= 10 else NAN
            np.testing.assert_allclose(found["turnover_bias_1m"][g, n], bias, rtol=1e-8)
    later = close_tn.copy()
    later[541:] *= 7.0
    again = simple_factors(later, later, turnover_tn, at_g)
    for name in SIMPLE_FACTORS:
        np.testing.assert_array_equal(again[name], found[name])
    assert set(simple_factors(close_tn, close_tn, None, at_g)) == {"volatility_6m", "ln_price"}
    with pytest.raises(KeyError):
        combined({"x": close_tn[:1]}, {}, np.ones((1, 4), bool))
