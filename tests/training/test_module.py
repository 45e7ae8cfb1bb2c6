"""The training loop: figures, order, early stop, determinism, going on after an interruption, learning."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from fusion_factor.core.errors import DataError
from fusion_factor.features import FeatureSet
from fusion_factor.networks import CorrelationLoss, HighFrequencyNet
from fusion_factor.training.batches import HighFrequencyInputs, LowFrequencyInputs
from fusion_factor.training.device import exact_arithmetic
from fusion_factor.training.folds import Fold
from fusion_factor.training.module import FactorModule, SessionOrder, average_ranks
from fusion_factor.training.samples import Samples, has_target
from fusion_factor.training.settings import FitSettings, NetworkSettings
from fusion_factor.training.trainer import network_seed, train

HF = NetworkSettings(
    "hf",
    {"_target_": "fusion_factor.networks.HighFrequencyNet"},
    {"_target_": "fusion_factor.training.HighFrequencyInputs", "window_sessions": 5},
)
FOLD = Fold(0, np.arange(50, 250, 10), np.arange(265, 340, 15), np.arange(352, 380), 11)
LONG = Fold(0, np.arange(50, 250, 3), np.arange(265, 340, 7), np.arange(352, 380), 11)


def fitted(
    features: FeatureSet, seed: int = 0, on_epoch: Any = None, resume: Any = None, fold: Fold = FOLD, **settings: Any
) -> FactorModule:
    chosen = FitSettings(**{"min_names": 20, "max_epochs": 3, **settings})
    with exact_arithmetic():
        inputs = HighFrequencyInputs(features, 5)
        return train(features, inputs, HF, fold, seed, chosen, on_epoch=on_epoch, resume=resume)


def equal_weights(one: nn.Module, two: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_ranks_agree_with_scipy_on_ties() -> None:
    values = np.random.default_rng(0).integers(0, 6, (40, 3)).astype(np.float32)
    expected = stats.rankdata(values, axis=0)
    assert np.array_equal(average_ranks(torch.from_numpy(values)).numpy(), expected)


def test_order_of_sessions_is_of_seed_and_epoch_alone() -> None:
    orders = [SessionOrder(np.arange(30), seed) for seed in (0, 0, 1)]
    for order in orders[1:]:
        list(order)
    assert list(orders[0]) == list(orders[1]) != list(orders[2])
    first = list(orders[0])
    orders[0].epoch = 1
    assert first != list(orders[0])
    assert sorted(first) == list(range(30)) == list(SessionOrder(np.arange(30)))


def test_same_seed_gives_the_same_bits_another_seed_others(features: FeatureSet) -> None:
    one, two, other = (fitted(features, seed, max_epochs=2, names_per_batch=40) for seed in (3, 3, 4))
    assert equal_weights(one.network, two.network)
    assert one.history == two.history
    assert not equal_weights(one.network, other.network)


def test_caller_keeps_its_own_random_numbers(features: FeatureSet) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fitted(features, max_epochs=1)
    assert torch.equal(torch.rand(3), expected)


def test_lightning_changes_nothing_against_a_bare_loop(features: FeatureSet) -> None:
    """Two epochs by hand: same order, same steps, same clipping, bit-equal weights and figures."""
    module = fitted(features, 7, max_epochs=2)
    settings = FitSettings(min_names=20)
    with exact_arithmetic():
        torch.manual_seed(network_seed("hf", 7))
        network, loss = HighFrequencyNet(), CorrelationLoss()
        samples = Samples(HighFrequencyInputs(features, 5), features, settings, 7)
        adam = torch.optim.Adam(network.parameters(), lr=0.005)
        best, best_weights = -np.inf, {}
        for epoch in range(2):
            order = SessionOrder(FOLD.train, 7)
            order.epoch = epoch
            network.train()
            for t in order:
                inputs, label_b = samples.drawn(t, epoch)
                adam.zero_grad()
                loss(network(inputs), label_b).backward()
                torch.nn.utils.clip_grad_value_(network.parameters(), 3.0)
                adam.step()
            network.eval()
            with torch.no_grad():
                objectives = []
                for t in FOLD.valid:
                    inputs, label_b = samples.whole(int(t))
                    objectives.append(-loss(network(inputs), label_b).double())
            if float(torch.stack(objectives).mean()) > best:
                best = float(torch.stack(objectives).mean())
                best_weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert module.best_objective == best
    assert all(torch.equal(tensor, module.best_weights[name]) for name, tensor in best_weights.items())


def test_gradients_are_clipped_by_value(features: FeatureSet) -> None:
    tight = fitted(features, max_epochs=1, clip_value=1e-12)
    loose = fitted(features, max_epochs=1, clip_value=None)
    assert not equal_weights(tight.network, loose.network)


def test_history_has_a_row_for_each_epoch_split_and_task(features: FeatureSet) -> None:
    history = fitted(features, max_epochs=2).history
    assert [(row["epoch"], row["split"], row["task"]) for row in history] == [
        (epoch, split, "hf") for epoch in (0, 1) for split in ("train", "valid")
    ]
    assert all(row["loss"] == pytest.approx(-row["ic"]) for row in history), "one task: the loss is minus the IC"


class _Scripted(nn.Module):
    """A network whose validation objective follows a script: good in epoch `peak`, worse and worse after."""

    tasks = ("hf",)

    def __init__(self, peak: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.register_buffer("epoch", torch.zeros(()))
        self.peak = peak

    def forward(self, inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
        signal = inputs[0][:, -1, 0] * inputs[0][:, -1, 1]
        if self.training:
            return (signal * (1 + self.weight))[:, None]
        noise = torch.linspace(-1, 1, len(signal)) * (self.epoch - self.peak).abs()
        return (signal + noise)[:, None]


def test_early_stop_keeps_the_weights_of_the_best_epoch(features: FeatureSet) -> None:
    network = _Scripted(peak=2)

    def on_epoch(module: FactorModule) -> None:
        seen.append(module.epoch)
        network.epoch += 1

    seen: list[int] = []
    settings = FitSettings(min_names=20, max_epochs=50, patience_epochs=4)
    samples = Samples(HighFrequencyInputs(features, 5), features, settings, 0)
    module = FactorModule(network, CorrelationLoss(), samples, settings, on_epoch)
    trainer = pl.Trainer(
        accelerator="cpu", max_epochs=50, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(module, SessionOrder(FOLD.train[:3], 0), SessionOrder(FOLD.valid[:3]))
    assert module.best_epoch == 2
    assert seen == [0, 1, 2, 3, 4, 5, 6], "four epochs without a better one, then the end"
    assert float(module.best_weights["epoch"]) == 2, "a copy, not the living weights"


@pytest.mark.parametrize("batches", [{"names_per_batch": 30}, {"batch_mode": "shuffle", "rows_per_batch": 100}])
@pytest.mark.parametrize("stop_after", [0, 1, 2])
def test_going_on_after_an_interruption_gives_the_same_bits(
    features: FeatureSet, stop_after: int, batches: dict[str, Any]
) -> None:
    class Stopped(Exception):
        pass

    saved: dict[str, Any] = {}

    def on_epoch(module: FactorModule) -> None:
        if module.epoch == stop_after:
            saved.update(copy.deepcopy(module.state()))
            raise Stopped

    whole = fitted(features, 2, **batches)
    with pytest.raises(Stopped):
        fitted(features, 2, on_epoch, **batches)
    resumed = fitted(features, 2, resume=saved, **batches)
    assert equal_weights(whole.network, resumed.network)
    assert whole.history == resumed.history
    assert whole.best_epoch == resumed.best_epoch


def test_sessions_with_too_few_labelled_names_are_left_out(features: FeatureSet) -> None:
    """As if the fold had never had them."""
    inputs = HighFrequencyInputs(features, 5)
    counts = {t: int(has_target(inputs, features, int(t)).sum()) for t in (*FOLD.train, *FOLD.valid)}
    limit = int(np.median(list(counts.values())))
    fewer = replace(
        FOLD,
        train=FOLD.train[[counts[t] >= limit for t in FOLD.train]],
        valid=FOLD.valid[[counts[t] >= limit for t in FOLD.valid]],
    )
    assert len(fewer.train) < len(FOLD.train)
    settings = FitSettings(min_names=limit, max_epochs=1)
    with exact_arithmetic():
        one, two = (train(features, inputs, HF, fold, 0, settings) for fold in (FOLD, fewer))
    assert one.history == two.history
    with pytest.raises(DataError, match=r"fold 0 seed 0: no training or validation date has min_names \(61\)"):
        fitted(features, max_epochs=1, min_names=61)


def test_a_fit_that_goes_to_nan_is_refused(features: FeatureSet) -> None:
    hf = replace(features.hf, values=np.full_like(features.hf.values, np.nan))  # type: ignore[type-var]
    with pytest.raises(DataError, match=r"epoch 0 date .* the loss or its gradient is not a number"):
        fitted(replace(features, hf=hf), max_epochs=1)


def test_learns_a_product_of_two_factors(synthetic: Callable[..., FeatureSet]) -> None:
    """No linear method can see it; the noise leaves a correlation of at most 0.7."""
    module = fitted(synthetic(n_symbols=100), fold=LONG, max_epochs=6)
    assert module.best_objective > 0.4


def test_learns_nothing_where_nothing_is(synthetic: Callable[..., FeatureSet]) -> None:
    module = fitted(synthetic(n_symbols=100, signal=0.0), fold=LONG, max_epochs=2)
    assert abs(module.best_objective) < 0.1


LF_MTL = Fold(0, np.arange(245, 300, 6), np.arange(312, 340, 7), np.arange(352, 380), 11)


@pytest.mark.parametrize("weighting", ["uw", "dwa"])
def test_task_weights_are_learned_saved_and_gone_on_with(features: FeatureSet, weighting: str) -> None:
    """Interrupted after the second epoch, so that both have moved: the rest is the same to the bit."""
    lf = NetworkSettings(
        "lf",
        {"_target_": "fusion_factor.networks.LowFrequencyNet", "hidden": 6},
        {"_target_": "fusion_factor.training.LowFrequencyInputs"},
        {"_target_": "fusion_factor.networks.CorrelationLoss", "weighting": weighting, "n_tasks": 3},
    )
    saved: list[dict[str, Any]] = []

    def work(resume: Any = None) -> FactorModule:
        settings = FitSettings(min_names=20, max_epochs=4)
        with exact_arithmetic():
            inputs = LowFrequencyInputs(features)
            keep = lambda module: saved.append(copy.deepcopy(module.state()))  # noqa: E731
            return train(features, inputs, lf, LF_MTL, 0, settings, on_epoch=keep, resume=resume)

    whole = work()
    for later in saved[1:3]:
        resumed = work(later)
        assert equal_weights(whole.network, resumed.network)
        assert equal_weights(whole.loss, resumed.loss)
        assert whole.history == resumed.history
        assert whole.best_loss == resumed.best_loss
    weights_k = whole.loss.task_weights()
    assert len(set(weights_k.tolist())) == 3, "no two tasks are equally hard"
    assert whole.best_loss, "they are told beside the best weights"
    valid = [row for row in whole.history if row["split"] == "valid" and row["epoch"] == whole.best_epoch]
    assert whole.best_objective == pytest.approx(sum(row["ic"] for row in valid), abs=0.05), "the plain objective"
