"""Several tasks in one loss: values worked by hand, gradients, and what is kept over epochs."""

import math

import pytest
import torch

from fusion_factor.networks import CorrelationLoss, correlation
from fusion_factor.networks.task_weights import DynamicAverageTasks, UncertaintyTasks, make_task_weights


def batch(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    label_b = torch.randn(200, generator=generator)
    noise_bk = torch.randn(200, 3, generator=generator)
    return label_b[:, None] * torch.tensor([1.0, 0.5, 0.0]) + noise_bk, label_b


def pairs(y_bk: torch.Tensor) -> torch.Tensor:
    return correlation(y_bk[:, [0, 0, 1]], y_bk[:, [1, 2, 2]]).sum()


def test_sum_is_the_loss_of_before_to_the_bit() -> None:
    y_bk, label_b = batch()
    before = -correlation(y_bk, label_b[:, None]).sum() + 0.01 * pairs(y_bk)
    assert torch.equal(CorrelationLoss()(y_bk, label_b), before)
    assert not CorrelationLoss().state_dict()
    assert not list(CorrelationLoss().parameters())


def test_uncertainty_by_hand() -> None:
    weights = UncertaintyTasks(3)
    loss_k = torch.tensor([0.9, 0.8, 1.0])
    assert weights(loss_k).item() == pytest.approx(0.5 * 2.7)
    with torch.no_grad():
        weights.log_variance_k.copy_(torch.tensor([0.0, math.log(2), -math.log(4)]))
    # 0.5 * 0.9 + (0.25 * 0.8 + 0.5 ln 2) + (2 * 1 - ln 2)
    value = weights(loss_k)
    assert value.item() == pytest.approx(0.45 + 0.2 + 2.0 - 0.5 * math.log(2), rel=1e-6)
    value.backward()
    # d/ds = 0.5 - 0.5 exp(-s) l
    torch.testing.assert_close(weights.log_variance_k.grad, torch.tensor([0.05, 0.3, -1.5]))
    torch.testing.assert_close(weights.factors(), torch.tensor([0.5, 0.25, 2.0]))


def test_uncertainty_finds_its_own_optimum() -> None:
    """At the optimum exp(s) = l: a harder task weighs less."""
    weights, loss_k = UncertaintyTasks(2), torch.tensor([0.5, 1.0])
    adam = torch.optim.Adam(weights.parameters(), lr=0.05)
    for _ in range(400):
        adam.zero_grad()
        weights(loss_k).backward()
        adam.step()
    torch.testing.assert_close(weights.log_variance_k.detach().exp(), loss_k, atol=1e-3, rtol=0)


def epochs(weights: DynamicAverageTasks, *losses: list[list[float]]) -> list[torch.Tensor]:
    """The factors after each epoch, which is a list of batches."""
    after = []
    for batches in losses:
        for loss_k in batches:
            weights(torch.tensor(loss_k))
        weights.end_epoch()
        after.append(weights.factors())
    return after


def test_dynamic_average_by_hand() -> None:
    weights = DynamicAverageTasks(3)
    first, second, third = epochs(
        weights, [[1.0, 1.0, 1.0], [0.6, 1.0, 1.0]], [[0.4, 1.0, 0.9], [0.4, 1.0, 0.7]], [[0.2, 0.5, 0.8]]
    )
    assert first.tolist() == [1, 1, 1], "one epoch is behind: the second has equal weights too"
    # means 0.8, 1, 1 then 0.4, 1, 0.8: ratios 0.5, 1, 0.8
    powers = [math.exp(0.25), math.exp(0.5), math.exp(0.4)]
    torch.testing.assert_close(second, torch.tensor([3 * p / sum(powers) for p in powers]))
    # ratios 0.5, 0.5, 1
    powers = [math.exp(0.25), math.exp(0.25), math.exp(0.5)]
    torch.testing.assert_close(third, torch.tensor([3 * p / sum(powers) for p in powers]))
    assert weights(torch.tensor([1.0, 1.0, 1.0])).item() == pytest.approx(3.0), "they always sum to their number"


def test_dynamic_average_goes_on_from_its_state() -> None:
    one, two = DynamicAverageTasks(2), DynamicAverageTasks(2)
    epochs(one, [[1.0, 1.0]], [[0.5, 0.9]])
    one(torch.tensor([0.4, 0.8]))
    two.load_state_dict(one.state_dict())
    assert torch.equal(two.factors(), one.factors())
    for weights in (one, two):
        weights.end_epoch()
    assert torch.equal(two.factors(), one.factors())


def test_an_epoch_without_batches_and_a_loss_of_zero_change_no_weight() -> None:
    weights = DynamicAverageTasks(2)
    weights.end_epoch()
    assert not weights.past_ek.any()
    after = epochs(weights, [[0.0, 1.0]], [[0.5, 0.5]])
    assert after[-1].tolist() == [1, 1], "a ratio to 0 says nothing"


@pytest.mark.parametrize("penalty", [0.0, 0.01, 1.0])
@pytest.mark.parametrize(("weighting", "factor"), [("uw", 0.5), ("dwa", 1.0)])
def test_at_the_start_the_tasks_are_equal_and_the_penalty_is_unchanged(
    weighting: str, factor: float, penalty: float
) -> None:
    y_bk, label_b = batch()
    expected = factor * (3 - correlation(y_bk, label_b[:, None]).sum()) + penalty * pairs(y_bk)
    loss = CorrelationLoss(penalty, weighting, 3)
    torch.testing.assert_close(loss(y_bk, label_b), expected)
    assert loss.task_weights() is not None


@pytest.mark.parametrize("weighting", ["uw", "dwa"])
def test_in_evaluation_the_loss_is_the_plain_one_and_notes_nothing(weighting: str) -> None:
    y_bk, label_b = batch()
    loss = CorrelationLoss(0.01, weighting, 3).eval()
    before = {name: value.clone() for name, value in loss.state_dict().items()}
    assert torch.equal(loss(y_bk, label_b), CorrelationLoss()(y_bk, label_b))
    after = loss.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


@pytest.mark.parametrize(
    ("weighting", "n_tasks", "message"), [("gn", 3, "gn"), ("uw", None, "n_tasks"), ("dwa", 0, "0")]
)
def test_unknown_weightings_and_numbers_are_refused(weighting: str, n_tasks: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_task_weights(weighting, n_tasks)


def test_another_number_of_tasks_is_refused() -> None:
    y_bk, label_b = batch()
    with pytest.raises(ValueError, match="n_tasks is 2, but the network has 3 tasks"):
        CorrelationLoss(0.01, "uw", 2)(y_bk, label_b)
