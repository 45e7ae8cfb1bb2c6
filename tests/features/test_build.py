"""The whole build on a small market: point in time, independent of threads, restartable, without bars too."""

import dataclasses
import json

import numpy as np
import pytest
from fake_market import FakeMarket, make_market, scrambled_after

import fusion_factor.features.session_factors as session_factors
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.features import FeatureConfig, FeatureSet, LabelConfig, build, signed_mean
from fusion_factor.features.intraday import HUATAI27, compute_factors

CONFIG = FeatureConfig(workers=1)
PANELS = ("factors", "hf", "daily", "weekly", "monthly")


@pytest.fixture(scope="module")
def market():
    return make_market()


@pytest.fixture(scope="module")
def built(market, tmp_path_factory):
    return build(market, CONFIG, tmp_path_factory.mktemp("features") / "set", progress=False)


def same(a, b):
    return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def rows_of(features, name):
    found = getattr(features, name)
    return [found.values, found.valid] if name in PANELS else [found]


def test_the_set_is_full_of_what_it_says(built, market):
    assert built.factors.names == HUATAI27
    assert built.daily.values.shape == (290, 30, 6)
    assert built.reach == 11
    assert built.has_hf.sum() > 700
    assert built.has_lf.sum() > 400
    assert built.has_label.sum() > 4000
    # a name without inputs has none, everywhere
    assert np.all(built.hf.values[~built.has_hf] == 0)
    assert np.array_equal(built.hf.valid, built.has_hf)
    # standardised: mean 0 and spread 1 over the names that have the factor
    t = 285
    x = built.hf.values[t][built.has_hf[t]]
    present = np.isfinite(built.factors.values[t][built.has_hf[t]])
    for f in range(27):
        column = x[present[:, f], f]
        if len(column) < 6:  # as many names as industries and size: nothing is left
            continue
        assert abs(column.mean()) < 1e-5
        assert column.std() == pytest.approx(1, abs=1e-4)


def test_factors_are_those_of_the_bars_by_name(built, market):
    day = market.bar_sessions[10]
    bars = market.bars(day)
    t = int(np.flatnonzero(built.sessions == day)[0])
    n = np.searchsorted(built.symbols, bars.symbols.astype(str))
    assert same(built.factors.values[t, n], compute_factors(bars).astype(np.float32))
    absent = np.setdiff1d(np.arange(len(built.symbols)), n)
    assert np.isnan(built.factors.values[t, absent]).all()
    assert not built.factors.valid[t, absent].any()


@pytest.mark.parametrize("last", [262, 279])
def test_nothing_at_or_before_a_session_depends_on_what_comes_after(built, market, last, tmp_path):
    other = build(scrambled_after(market, last), CONFIG, tmp_path / "set", progress=False, check=False)
    assert np.array_equal(built.symbols, other.symbols)
    for name in (*PANELS, "has_hf", "has_lf"):
        for old, new in zip(rows_of(built, name), rows_of(other, name), strict=True):
            assert same(old[: last + 1], new[: last + 1]), name
        # and the scrambling did reach the rows after it
        assert not same(rows_of(built, name)[0][last + 1 :], rows_of(other, name)[0][last + 1 :]), name
    known = last + 1 - built.reach
    assert same(built.label[:known], other.label[:known])
    assert same(built.has_label[:known], other.has_label[:known])
    assert not same(built.label[known:], other.label[known:])
    assert same(built.can_buy[:last], other.can_buy[:last])
    assert same(signed_mean(built)[: last + 1], signed_mean(other)[: last + 1])


def test_the_number_of_threads_changes_no_bit(built, market, tmp_path):
    other = build(market, dataclasses.replace(CONFIG, workers=3), tmp_path / "set", progress=False, check=False)
    for name in (*PANELS, "has_hf", "has_lf", "has_label", "can_buy", "label"):
        for old, new in zip(rows_of(built, name), rows_of(other, name), strict=True):
            assert same(old, new), name


def test_an_interrupted_build_goes_on_where_it_was(built, market, tmp_path, monkeypatch):
    real, calls = session_factors.compute_factors, []

    def failing(bars, names, **more):
        calls.append(bars.session)
        if len(calls) > 40:
            raise KeyboardInterrupt
        return real(bars, names, **more)

    monkeypatch.setattr(session_factors, "compute_factors", failing)
    with pytest.raises(KeyboardInterrupt):
        build(market, CONFIG, tmp_path / "set", progress=False, check=False)
    with pytest.raises(DataError, match=r"no set\.json"):
        FeatureSet.load(tmp_path / "set")
    again = []
    monkeypatch.setattr(
        session_factors, "compute_factors", lambda bars, names, **more: again.append(bars) or real(bars, names)
    )
    other = build(market, CONFIG, tmp_path / "set", progress=False, check=False)
    assert len(again) == 70 - 40
    assert same(built.factors.values, other.factors.values)
    assert same(built.hf.values, other.hf.values)
    assert len(list((tmp_path / "set" / "sessions").iterdir())) == 70


def test_a_market_without_bars_has_low_frequency_inputs_only(built, market, tmp_path):
    tables = {name: market.table(name) for name in ("stock_prices", "stocks", "st")}
    (tmp_path / "set" / "factors").mkdir(parents=True)  # left over from something else
    features = build(FakeMarket(market.sessions, tables, {}), CONFIG, tmp_path / "set", progress=False)
    assert features.factors is None
    assert features.hf is None
    assert not features.has_hf.any()
    assert same(features.has_lf, built.has_lf)
    assert same(features.weekly.values, built.weekly.values)
    with pytest.raises(DataError, match="no intraday factors"):
        signed_mean(features)


def closing_jump(bars, scale=1.0):
    return scale * (bars.close[:, -1] / bars.close[:, -2] - 1)


def test_an_own_factor_is_one_function_and_one_line(market, tmp_path):
    extra = {"closing_jump": {"_target_": f"{__name__}.closing_jump", "sign": -1, "scale": 2.0}}
    features = build(market, dataclasses.replace(CONFIG, extra=extra), tmp_path / "set", progress=False, check=False)
    assert features.factors.names == (*HUATAI27, "closing_jump")
    bars = market.bars(market.sessions[-1])
    n = np.searchsorted(features.symbols, bars.symbols.astype(str))
    assert same(features.factors.values[-1, n, 27], closing_jump(bars, 2.0).astype(np.float32))
    listed = json.loads((tmp_path / "set" / "factors.json").read_text())
    assert listed[-1] == {"name": "closing_jump", "sign": -1, "tier_used": "own", "proxy_of": ""}
    assert listed[0] == {"name": "late_skew_ret", "sign": -1, "tier_used": "bar", "proxy_of": ""}
    assert not same(signed_mean(features), signed_mean(features, {"closing_jump": -1}))


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"mine": {"_target_": "nowhere.at_all", "sign": 1}}, "cannot import nowhere.at_all"),
        ({"mine": {"_target_": f"{__name__}.nothing", "sign": 1}}, "cannot import"),
        ({"mine": {"_target_": f"{__name__}.closing_jump"}}, "sign is None"),
        ({"mine": {"sign": 1}}, "must be module.function"),
        ({"late_skew_ret": {"_target_": f"{__name__}.closing_jump", "sign": 1}}, "choose another"),
    ],
)
def test_an_own_factor_that_cannot_be_is_refused(market, tmp_path, entry, words):
    with pytest.raises(ConfigError, match=words):
        build(market, dataclasses.replace(CONFIG, extra=entry), tmp_path / "set")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"preset": "all"}, "features.preset is 'all'"),
        ({"mad_k": 0.0}, "mad_k is 0.0"),
        ({"neutralize": ["country"]}, "neutralize is 'country'"),
        ({"min_daily": 41}, r"min_daily is 41, must be in 1\.\.daily_window = 40"),
        ({"label": LabelConfig(start=5, end=5)}, r"5\.\.5"),
        ({"label": LabelConfig(price="last")}, "label.price is 'last'"),
        ({"workers": 0}, "workers is 0"),
        ({"min_factor_share": 1.5}, "min_factor_share is 1.5"),
    ],
)
def test_settings_outside_of_their_limits_are_refused(changes, words):
    with pytest.raises(ConfigError, match=words):
        FeatureConfig(**changes)


def test_the_shipped_settings_are_the_defaults():
    from pathlib import Path

    from omegaconf import OmegaConf

    from fusion_factor.stages.settings import typed

    file = Path(__file__).parents[2] / "conf" / "features" / "huatai27.yaml"
    assert typed(FeatureConfig, OmegaConf.to_container(OmegaConf.load(file))) == FeatureConfig()


def test_equal_weight_score_by_hand(built):
    score = signed_mean(built)
    assert np.array_equal(np.isfinite(score), built.has_hf)
    t = 289
    columns = []
    for f, name in enumerate(HUATAI27):
        window = slice(t - 19, t + 1)
        known = built.hf.valid[window] & np.isfinite(built.factors.values[window, :, f])
        x = np.where(known, built.hf.values[window, :, f], np.nan).astype(float)
        enough = known.sum(axis=0) >= 10
        mean = np.full(30, np.nan)
        mean[enough] = np.nanmean(x[:, enough], axis=0)
        mean[~built.has_hf[t]] = np.nan
        z = (mean - np.nanmean(mean)) / (np.nanstd(mean) or 1.0)
        positive = name.startswith(
            ("volume_perc", "down_", "early_corr", "early_b", "early_a", "bigorder_amt", "corr_cl")
        )
        columns.append(np.nan_to_num(z) * (1 if positive else -1))
    expected = np.where(built.has_hf[t], np.mean(columns, axis=0), np.nan)
    np.testing.assert_allclose(score[t], expected, atol=1e-6)
