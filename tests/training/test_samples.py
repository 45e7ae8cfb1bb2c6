"""Labels: who, what scale, which subset, and the null test's permutation."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fusion_factor.core.errors import ConfigError
from fusion_factor.features import FeatureSet
from fusion_factor.training.batches import HighFrequencyInputs
from fusion_factor.training.module import SessionOrder, training_order
from fusion_factor.training.samples import Samples, has_target, standardised_label, usable_sessions
from fusion_factor.training.settings import FitSettings


def samples(features: FeatureSet, seed: int = 0, **settings: object) -> Samples:
    inputs = HighFrequencyInputs(features, 5)
    return Samples(inputs, features, FitSettings(**{"min_names": 5, **settings}), seed)  # type: ignore[arg-type]


def test_label_is_a_clipped_z_score_by_hand() -> None:
    returns = np.array([0.0] * 99 + [1.0])
    std = np.sqrt(0.01 * 0.99)
    expected = np.array([-0.01 / std] * 99 + [3.0])
    np.testing.assert_allclose(standardised_label(returns, 3.0), expected)
    assert np.array_equal(standardised_label(np.full(4, 0.1), 3.0), np.zeros(4))


def test_label_is_standardised_over_the_loss_population(features: FeatureSet) -> None:
    t = 200
    _, label_b = samples(features, label_clip=100.0).whole(t)
    population = features.has_hf[t] & features.has_label[t]
    returns = features.label[t, population]
    np.testing.assert_allclose(label_b.numpy(), (returns - returns.mean()) / returns.std(), rtol=1e-5, atol=1e-6)


def test_a_label_without_inputs_or_a_missing_return_is_not_in_the_loss(features: FeatureSet) -> None:
    t, inputs = 200, HighFrequencyInputs(features, 5)
    label = features.label.copy()
    name = int(np.flatnonzero(has_target(inputs, features, t))[0])
    label[t, name] = np.nan
    other = replace(features, label=label)
    assert has_target(inputs, features, t).sum() - has_target(inputs, other, t).sum() == 1
    assert not has_target(inputs, other, t)[~features.has_hf[t]].any()
    assert usable_sessions(inputs, other, int(has_target(inputs, other, t).sum()))[t]
    assert not usable_sessions(inputs, other, int(has_target(inputs, other, t).sum()) + 1)[t]


def test_subset_of_names_depends_on_seed_epoch_and_date_alone(features: FeatureSet) -> None:
    limited = {"names_per_batch": 20}
    first, again, other = (samples(features, seed, **limited) for seed in (0, 0, 1))
    again.drawn(150, 0)  # what was drawn before does not matter
    one, two = first.drawn(200, 3), again.drawn(200, 3)
    assert torch.equal(one[0][0], two[0][0])
    assert torch.equal(one[1], two[1])
    assert len(one[1]) == 20
    for different in (first.drawn(200, 4), first.drawn(205, 3), other.drawn(200, 3)):
        assert not torch.equal(one[1], different[1])


def test_subset_takes_windows_and_labels_of_the_same_names(features: FeatureSet) -> None:
    inputs, label_b = samples(features).whole(200)
    some, some_label_b = samples(features, names_per_batch=20).drawn(200, 0)
    whole = {tuple(x_tf.flatten().tolist()): float(y) for x_tf, y in zip(inputs[0], label_b, strict=True)}
    for x_tf, y in zip(some[0], some_label_b, strict=True):
        assert whole[tuple(x_tf.flatten().tolist())] == float(y), "standardised over all names, not over the subset"


def test_shuffled_labels_are_the_same_labels_in_another_order_always(features: FeatureSet) -> None:
    _, true_b = samples(features).whole(200)
    one, two = samples(features, shuffle_labels=1), samples(features, seed=9, shuffle_labels=1)
    _, shuffled_b = one.whole(200)
    assert not torch.equal(true_b, shuffled_b)
    torch.testing.assert_close(true_b.sort().values, shuffled_b.sort().values)
    assert torch.equal(shuffled_b, two.whole(200)[1]), "the permutation is of the shuffle's seed and the date"
    assert torch.equal(shuffled_b, one.drawn(200, 7)[1]), "and the same in every epoch"
    assert not torch.equal(shuffled_b, samples(features, shuffle_labels=2).whole(200)[1])


def test_settings_out_of_their_limits_are_refused() -> None:
    for name, value in (("learning_rate", 0.0), ("patience_epochs", 0), ("clip_value", -1.0), ("names_per_batch", 10)):
        with pytest.raises(Exception, match=f"{name} is {value}"):
            FitSettings(**{name: value})  # type: ignore[arg-type]


def test_mixed_rows_have_the_windows_and_labels_of_their_sessions(features: FeatureSet) -> None:
    made = samples(features)
    days = [150, 160, 205]
    assert made.table(days) == sum(len(made.whole(t)[1]) for t in days)
    places = np.random.default_rng(0).permutation(made.table(days))[:40]
    (x_btf,), label_b = made.mixed(places)
    whole = {
        tuple(x_tf.flatten().tolist()): float(y)
        for t in days
        for x_tf, y in zip(made.whole(t)[0][0], made.whole(t)[1], strict=True)
    }
    assert [whole[tuple(x_tf.flatten().tolist())] for x_tf in x_btf] == label_b.tolist()


def test_every_row_is_in_one_batch_an_epoch_and_the_mix_is_of_seed_and_epoch_alone(features: FeatureSet) -> None:
    made = samples(features, batch_mode="shuffle", rows_per_batch=50)
    days = list(range(100, 200, 7))
    orders = [training_order(made, days, seed) for seed in (0, 0, 1)]
    list(orders[0])
    first, again, other = (list(order) for order in orders)
    assert len(first) == len(orders[0]) == round(made.table(days) / 50)
    assert np.array_equal(np.sort(np.concatenate(first)), np.arange(made.table(days)))
    assert max(map(len, first)) - min(map(len, first)) <= 1
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])
    orders[0].epoch = 1
    assert not np.array_equal(first[0], next(iter(orders[0])))
    dates = [len(np.unique(made._row_sessions[batch])) for batch in first]
    assert min(dates) > 8, "a batch mixes many dates"


def test_dates_are_the_default_and_no_rows_are_laid_down(features: FeatureSet) -> None:
    assert isinstance(training_order(samples(features), [150], 0), SessionOrder)
    with pytest.raises(ConfigError, match="names_per_batch is 300, must be null"):
        FitSettings(batch_mode="shuffle", names_per_batch=300)
    with pytest.raises(ConfigError, match="batch_mode is 'rows'"):
        FitSettings(batch_mode="rows")
