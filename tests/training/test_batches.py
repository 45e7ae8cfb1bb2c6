"""Windows against slow references, point in time, and equal for training and scoring."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from fusion_factor.core.errors import ConfigError
from fusion_factor.features import FeatureSet, Panel
from fusion_factor.training.batches import (
    HighFrequencyInputs,
    LowFrequencyInputs,
    WindowInputs,
    standardise_ratios,
    trailing_rows,
)
from fusion_factor.training.samples import Samples, has_target
from fusion_factor.training.settings import FitSettings

KINDS = (HighFrequencyInputs, LowFrequencyInputs)


def slow_low_frequency(panel: Panel, t: int, rows_between: int, bars: int, names: np.ndarray) -> np.ndarray:
    """One stock, step and field after the other, in float64: z_btf."""
    n_fields = panel.values.shape[2]
    ratio = np.full((len(names), bars, n_fields), np.nan)
    for b, n in enumerate(names):
        for k in range(bars):
            row = t - rows_between * (bars - 1 - k)
            for f in range(n_fields):
                last = float(panel.values[t, n, f])
                if row >= 0 and last > 0:
                    ratio[b, k, f] = float(panel.values[row, n, f]) / last
    z = np.zeros_like(ratio)
    for k in range(bars - 1):
        for f in range(n_fields):
            column = ratio[:, k, f]
            there = np.isfinite(column)
            if there.sum() > 1 and column[there].std() > 1e-6:
                z[there, k, f] = np.clip((column[there] - column[there].mean()) / column[there].std(), -5, 5)
    return z


@pytest.mark.parametrize("t", [240, 333, 419])
def test_low_frequency_windows_agree_with_a_slow_reference(features: FeatureSet, t: int) -> None:
    inputs, names = LowFrequencyInputs(features).at(t)
    assert [x_btf.shape for x_btf in inputs] == [(len(names), steps, 6) for steps in (40, 20, 12)]
    for x_btf, panel, rows_between in zip(
        inputs, (features.daily, features.weekly, features.monthly), (1, 5, 20), strict=True
    ):
        expected = slow_low_frequency(panel, t, rows_between, x_btf.shape[1], names)
        np.testing.assert_allclose(x_btf.numpy(), expected, atol=2e-4)


def test_last_step_is_exactly_zero_and_nothing_is_beyond_the_clip(features: FeatureSet) -> None:
    inputs, _ = LowFrequencyInputs(features, clip=1.5).at(300)
    for x_btf in inputs:
        assert bool((x_btf[:, -1] == 0).all())
        assert float(x_btf.abs().max()) == 1.5
        assert bool(x_btf.isfinite().all())


def test_ratios_by_hand() -> None:
    """Two stocks double and halve: their ratios one step back are 0.5 and 2, z-scores -1 and 1; a third is missing."""
    x_tbf = torch.tensor([[[1.0], [4.0], [5.0]], [[2.0], [2.0], [0.0]]])
    torch.testing.assert_close(standardise_ratios(x_tbf, 5.0)[0, :, 0], torch.tensor([-1.0, 1.0, 0.0]))


def test_a_missing_name_changes_nothing_for_the_others() -> None:
    x_tbf = torch.rand(5, 50, 6, generator=torch.Generator().manual_seed(0)) + 0.5
    with_missing = torch.cat([x_tbf, torch.full((5, 1, 6), torch.nan)], dim=1)
    torch.testing.assert_close(standardise_ratios(with_missing, 5.0)[:, :50], standardise_ratios(x_tbf, 5.0))
    assert not standardise_ratios(with_missing, 5.0)[:, 50].any()


def test_equal_ratios_become_zero_in_spite_of_rounding() -> None:
    last_b = torch.tensor([3.3, 7.77, 11.1, 0.123])
    x_tbf = torch.stack([last_b * 1.1, last_b])[:, :, None]
    assert bool((standardise_ratios(x_tbf, 5.0) == 0).all())


def test_rows_before_the_first_session_are_missing() -> None:
    panel_tnf = torch.arange(6.0).reshape(6, 1, 1)
    names = torch.tensor([0])
    rows = trailing_rows(panel_tnf, 4, 2, 4, names)[:, 0, 0]
    assert rows.isnan().tolist() == [True, False, False, False]
    assert rows[1:].tolist() == [0, 2, 4]
    assert trailing_rows(panel_tnf, 5, 2, 4, names)[:, 0, 0].isnan().tolist() == [True, False, False, False]
    assert trailing_rows(panel_tnf, 5, 2, 3, names)[:, 0, 0].tolist() == [1, 3, 5]


def test_prices_at_another_scale_give_the_same_windows(features: FeatureSet) -> None:
    """A stock's adjusted prices and volumes may be at any scale; powers of two keep the bits."""
    scale = 2.0 ** np.arange(len(features.symbols)).clip(max=20).astype(np.float32)

    def scaled(panel: Panel) -> Panel:
        return replace(panel, values=panel.values * scale[:, None])

    other = replace(
        features, daily=scaled(features.daily), weekly=scaled(features.weekly), monthly=scaled(features.monthly)
    )
    for x_btf, y_btf in zip(LowFrequencyInputs(features).at(350)[0], LowFrequencyInputs(other).at(350)[0], strict=True):
        assert torch.equal(x_btf, y_btf)


def test_high_frequency_window_is_the_panel_itself(features: FeatureSet) -> None:
    (x_btf,), names = HighFrequencyInputs(features).at(100)
    assert features.hf is not None
    expected = features.hf.values[61:101][:, names].transpose(1, 0, 2)
    assert np.array_equal(x_btf.numpy(), expected)
    assert np.array_equal(names, np.flatnonzero(features.has_hf[100]))


def test_no_full_window_no_inputs(features: FeatureSet) -> None:
    early = replace(features, has_hf=np.ones_like(features.has_hf))
    inputs = HighFrequencyInputs(early, 40)
    assert not inputs.has_inputs[:39].any()
    assert inputs.has_inputs[39].all()
    assert early.has_hf.all(), "the feature set itself is left alone"


def scrambled_after(features: FeatureSet, t: int, seed: int = 0) -> FeatureSet:
    """Everything after t replaced by noise; labels and who has one too, from the first that looks beyond t."""
    rng = np.random.default_rng(seed)

    def panel(old: Panel | None) -> Panel | None:
        if old is None:
            return None
        values, valid = old.values.copy(), old.valid.copy()
        values[t + 1 :] = np.abs(rng.standard_normal(values[t + 1 :].shape))
        valid[t + 1 :] = rng.random(valid[t + 1 :].shape) < 0.5
        return replace(old, values=values, valid=valid)

    def mask(old: np.ndarray, after: int) -> np.ndarray:
        new = old.copy()
        new[after + 1 :] = rng.random(new[after + 1 :].shape) < 0.5
        return new

    label = features.label.copy()
    label[max(0, t - features.reach + 1) :] = rng.standard_normal(label[max(0, t - features.reach + 1) :].shape)
    panels = {name: panel(getattr(features, name)) for name in ("hf", "daily", "weekly", "monthly")}
    return replace(
        features,
        **panels,
        has_hf=mask(features.has_hf, t),
        has_lf=mask(features.has_lf, t),
        has_label=mask(features.has_label, t - features.reach),
        label=label,
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("t", [260, 399])
def test_windows_know_nothing_of_later_sessions(
    features: FeatureSet, kind: Callable[..., WindowInputs], t: int
) -> None:
    before, names = kind(features).at(t)
    after, names_after = kind(scrambled_after(features, t)).at(t)
    assert np.array_equal(names, names_after)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_training_and_scoring_see_the_same_windows(features: FeatureSet, kind: Callable[..., WindowInputs]) -> None:
    """On a panel with suspensions: the rows in the loss are bit for bit those that would be scored."""
    inputs = kind(features)
    samples = Samples(inputs, features, FitSettings(min_names=5), seed=0)
    left_out = 0
    for t in (250, 301, 402):
        scored, names = inputs.at(t)
        trained, label_b = samples.whole(t)
        rows = has_target(inputs, features, t)[names]
        left_out += len(names) - int(rows.sum())
        assert len(label_b) == rows.sum()
        for x_btf, y_btf in zip(scored, trained, strict=True):
            assert torch.equal(x_btf[torch.from_numpy(rows)], y_btf)
    assert left_out > 0, "some are scored that have no label"


@pytest.mark.parametrize("kind", KINDS)
def test_who_has_a_label_does_not_move_any_window(features: FeatureSet, kind: Callable[..., WindowInputs]) -> None:
    other = replace(features, has_label=~features.has_label)
    for x_btf, y_btf in zip(kind(features).at(300)[0], kind(other).at(300)[0], strict=True):
        assert torch.equal(x_btf, y_btf)


def test_order_of_symbols_changes_nothing_but_the_order(features: FeatureSet) -> None:
    inputs, names = LowFrequencyInputs(features).at(300)
    turned = LowFrequencyInputs(features).windows(300, torch.from_numpy(names[::-1].copy()))
    for x_btf, y_btf in zip(inputs, turned, strict=True):
        torch.testing.assert_close(x_btf.flip(0), y_btf, atol=2e-5, rtol=0)


def test_windows_are_read_from_mapped_files_without_a_copy(features: FeatureSet, tmp_path: object) -> None:
    features.save(str(tmp_path))
    mapped = FeatureSet.load(str(tmp_path), mmap=True)
    inputs = HighFrequencyInputs(mapped)
    assert mapped.hf is not None
    assert inputs.panel_tnf.data_ptr() == mapped.hf.values.ctypes.data
    assert torch.equal(inputs.at(200)[0][0], HighFrequencyInputs(features).at(200)[0][0])


def test_features_without_intraday_factors_have_no_high_frequency_inputs(features: FeatureSet) -> None:
    with pytest.raises(ConfigError, match="no intraday factors"):
        HighFrequencyInputs(replace(features, hf=None))


@pytest.mark.parametrize("arguments", [{"daily_bars": 1}, {"clip": 0.0}])
def test_bad_arguments_are_refused(features: FeatureSet, arguments: dict) -> None:
    with pytest.raises(ConfigError, match=next(iter(arguments))):
        LowFrequencyInputs(features, **arguments)


class _Plain(HighFrequencyInputs):
    """Inputs of one's own, without a way to gather some rows alone."""

    rows, some = WindowInputs.rows, WindowInputs.some


@pytest.mark.parametrize("mode", ["rolling", "calendar"])
@pytest.mark.parametrize("kind", [*KINDS, _Plain])
def test_rows_of_many_sessions_are_those_of_their_sessions_to_the_bit(
    features: FeatureSet, kind: Callable[..., WindowInputs], mode: str
) -> None:
    inputs = kind(replace(features, bars_mode=mode))
    rng = np.random.default_rng(0)
    t_b = rng.choice([241, 260, 333, 419], 80)
    names_b = np.array([rng.choice(inputs.names(int(t))) for t in t_b])
    got = inputs.rows(t_b, names_b)
    for t in np.unique(t_b):
        windows, everybody = inputs.at(int(t))
        own = np.flatnonzero(t_b == t)
        for x_btf, whole_btf in zip(got, windows, strict=True):
            assert torch.equal(x_btf[own], whole_btf[np.searchsorted(everybody, names_b[own])])


@pytest.mark.parametrize("mode", ["rolling", "calendar"])
@pytest.mark.parametrize("kind", [*KINDS, _Plain])
def test_some_of_a_session_are_their_rows_of_all_to_the_bit(
    features: FeatureSet, kind: Callable[..., WindowInputs], mode: str
) -> None:
    """Twice, since what is learnt of a session the first time is kept; at 100 the bars do not reach back far enough."""
    inputs = kind(replace(features, bars_mode=mode, has_lf=features.daily.valid, has_hf=features.daily.valid))
    for t in (100, 333, 333):
        whole, names = inputs.at(t)
        rows_b = torch.arange(1, len(names), 3)
        for x_btf, all_btf in zip(inputs.some(t, torch.from_numpy(names), rows_b), whole, strict=True):
            assert len(rows_b) > 5
            assert torch.equal(x_btf, all_btf[rows_b])


def test_some_frequencies_are_those_of_all(features: FeatureSet) -> None:
    whole, names = LowFrequencyInputs(features).at(300)
    some, names_of_some = LowFrequencyInputs(features, frequencies=["weekly"]).at(300)
    assert np.array_equal(names, names_of_some)
    assert len(some) == 1
    assert torch.equal(some[0], whole[1])


@pytest.mark.parametrize("t", [260, 333])
def test_calendar_windows_agree_with_a_slow_reference_and_know_nothing_later(features: FeatureSet, t: int) -> None:
    """Weeks are found by their dates; the running one's volume is scaled to five sessions."""
    calendar = replace(features, bars_mode="calendar")
    inputs = LowFrequencyInputs(calendar)
    windows, names = inputs.at(t)
    weeks = (features.sessions - np.timedelta64(4, "D")).astype("datetime64[W]")  # from Monday
    ends = [s for s in range(t) if weeks[s] != weeks[s + 1]][-19:]
    values = features.weekly.values[[*ends, t]][:, names].astype(np.float64)
    values[-1, :, 5] *= 5 / (weeks[: t + 1] == weeks[t]).sum()
    ratio = values / np.where(values[-1] > 0, values[-1], np.nan)
    mean, std = np.nanmean(ratio, axis=1, keepdims=True), np.nanstd(ratio, axis=1, keepdims=True)
    expected = np.nan_to_num(((ratio - mean) / np.where(std > 1e-6, std, np.inf)).clip(-5, 5))
    expected[-1] = 0
    np.testing.assert_allclose(windows[1].numpy(), expected.transpose(1, 0, 2), atol=3e-4)
    later = LowFrequencyInputs(replace(scrambled_after(features, t), bars_mode="calendar")).at(t)[0]
    assert all(torch.equal(a, b) for a, b in zip(windows, later, strict=True))
