"""The correlation loss against numpy, by hand, and where correlations do not exist."""

import numpy as np
import pytest
import torch

from fusion_factor.networks import CorrelationLoss, correlation


def test_correlation_by_hand() -> None:
    a = torch.tensor([[1.0], [2.0], [3.0]])
    b = torch.tensor([[1.0], [3.0], [2.0]])
    # covariance 1/3, variances 2/3 each
    torch.testing.assert_close(correlation(a, b), torch.tensor([0.5]), atol=1e-6, rtol=0)


def test_correlation_agrees_with_numpy_for_each_column() -> None:
    rng = np.random.default_rng(0)
    y_bk, label_b = rng.standard_normal((500, 3)), rng.standard_normal(500)
    got = correlation(torch.tensor(y_bk).float(), torch.tensor(label_b).float()[:, None])
    expected = [np.corrcoef(y_bk[:, k], label_b)[0, 1] for k in range(3)]
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-6)


def test_a_constant_prediction_gives_zero_and_a_finite_gradient() -> None:
    y_bk = torch.full((50, 1), 0.5, requires_grad=True)
    loss = CorrelationLoss()(y_bk, torch.randn(50))
    loss.backward()
    assert loss.item() == 0
    assert y_bk.grad is not None
    assert bool(y_bk.grad.isfinite().all())


@pytest.mark.parametrize("penalty", [0.0, 0.01, 1.0])
def test_multi_task_loss_is_minus_the_ics_plus_the_penalised_pairs(penalty: float) -> None:
    rng = np.random.default_rng(1)
    y_bk, label_b = rng.standard_normal((200, 3)), rng.standard_normal(200)
    r = np.corrcoef(np.column_stack([y_bk, label_b]), rowvar=False)
    expected = -(r[0, 3] + r[1, 3] + r[2, 3]) + penalty * (r[0, 1] + r[0, 2] + r[1, 2])
    got = CorrelationLoss(penalty)(torch.tensor(y_bk).float(), torch.tensor(label_b).float())
    assert float(got) == pytest.approx(expected, abs=1e-5)


def test_with_one_task_the_penalty_is_without_effect() -> None:
    y_bk, label_b = torch.randn(100, 1), torch.randn(100)
    assert torch.equal(CorrelationLoss(0.0)(y_bk, label_b), CorrelationLoss(5.0)(y_bk, label_b))


def test_loss_does_not_care_for_scale_and_shift_of_predictions() -> None:
    y_bk, label_b = torch.randn(300, 3), torch.randn(300)
    loss = CorrelationLoss()
    torch.testing.assert_close(loss(y_bk, label_b), loss(3 * y_bk + 2, label_b), atol=1e-5, rtol=0)
