"""The two networks: sizes, shapes, what is shared, and that no recurrent module is compiled."""

from pathlib import Path

import pytest
import torch
from torch import nn

import fusion_factor
from fusion_factor.networks import HighFrequencyNet, LowFrequencyNet


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def windows(n_names: int = 7, fields: int = 6) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(n_names, steps, fields, generator=generator) for steps in (40, 20, 12))


def test_parameter_counts_are_the_published_ones() -> None:
    assert count(HighFrequencyNet()) == 5401
    assert count(LowFrequencyNet()) == 3693
    assert count(LowFrequencyNet(shared=False)) == 10533


def test_high_frequency_scores_lie_between_zero_and_one_and_have_one_task() -> None:
    network = HighFrequencyNet()
    y_bk = network((10 * torch.randn(50, 40, 27),))
    assert y_bk.shape == (50, len(network.tasks)) == (50, 1)
    assert bool(((y_bk > 0) & (y_bk < 1)).all())


def test_sigmoid_leaves_ranks_alone() -> None:
    torch.manual_seed(1)
    with_sigmoid, without = HighFrequencyNet(), HighFrequencyNet(sigmoid=False)
    without.load_state_dict(with_sigmoid.state_dict())
    x_btf = torch.randn(30, 40, 27)
    assert torch.equal(with_sigmoid((x_btf,)).argsort(dim=0), without((x_btf,)).argsort(dim=0))


def test_last_step_counts_more_than_the_first() -> None:
    """The last hidden state is read, not the first or a mean: a change at the end moves the score most."""
    torch.manual_seed(0)
    network = HighFrequencyNet(sigmoid=False).eval()
    x_btf = torch.randn(20, 40, 27, requires_grad=True)
    network((x_btf,)).sum().backward()
    assert x_btf.grad is not None
    pull_t = x_btf.grad.abs().sum(dim=(0, 2))
    assert pull_t[-1] > 100 * pull_t[0]


def test_scores_do_not_depend_on_the_storage_of_a_window() -> None:
    torch.manual_seed(0)
    network = LowFrequencyNet().eval()
    inputs = windows()
    transposed = tuple(x_btf.transpose(0, 1).contiguous().transpose(0, 1) for x_btf in inputs)
    assert torch.equal(network(inputs), network(transposed))


@pytest.mark.parametrize(("shared", "moved"), [(True, [True, True, True]), (False, [True, False, False])])
def test_a_shared_gru_moves_all_tasks_an_unshared_one_only_its_own(shared: bool, moved: list[bool]) -> None:
    torch.manual_seed(0)
    network = LowFrequencyNet(shared=shared).eval()
    before = network(windows())
    with torch.no_grad():
        network.grus[0].weight_ih_l0.add_(0.1)
    after = network(windows())
    assert [bool((before[:, k] != after[:, k]).any()) for k in range(3)] == moved


def test_each_task_reads_its_own_frequency() -> None:
    torch.manual_seed(0)
    network = LowFrequencyNet().eval()
    inputs = windows()
    before = network(inputs)
    after = network((inputs[0], inputs[1] + 1, inputs[2]))
    assert [bool((before[:, k] != after[:, k]).any()) for k in range(3)] == [False, True, False]


def test_gru_cell_by_hand() -> None:
    """One unit, one step, from the zero state: h = (1 - z) * n with PyTorch's gates."""
    network = HighFrequencyNet(n_factors=1, hidden=1, sigmoid=False).eval()
    with torch.no_grad():
        for name, values in (
            ("weight_ih_l0", [[0.5], [-1.0], [2.0]]),
            ("weight_hh_l0", [[9.0], [9.0], [9.0]]),
            ("bias_ih_l0", [0.1, 0.2, 0.3]),
            ("bias_hh_l0", [0.0, 0.0, 0.4]),
        ):
            getattr(network.gru, name).copy_(torch.tensor(values))
        network.head.weight.fill_(1.0)
        network.head.bias.fill_(0.0)
    x = torch.tensor(0.7)
    reset, update = torch.sigmoid(0.5 * x + 0.1), torch.sigmoid(-x + 0.2)
    new = torch.tanh(2 * x + 0.3 + reset * 0.4)
    expected = (1 - update) * new / torch.sqrt(torch.tensor(1 + 1e-5))
    torch.testing.assert_close(network((x.reshape(1, 1, 1),)).squeeze(), expected)


def test_nothing_compiles_a_network() -> None:
    """torch.compile is slower on recurrent modules or breaks on them."""
    sources = Path(fusion_factor.__file__).parent.rglob("*.py")
    assert not [path for path in sources if "torch.compile(" in path.read_text(encoding="utf-8")]
