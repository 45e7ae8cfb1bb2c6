"""Encoders by word: sizes, causality, windows of any length, hand-worked values, and the GRU of before to the bit."""

import math

import pytest
import torch
from torch import nn

from fusion_factor.networks import ENCODERS, HighFrequencyNet, JointNet, LowFrequencyNet, make_encoder
from fusion_factor.networks.encoders import AttentiveLstmEncoder, MlpEncoder, TcnEncoder, TransformerEncoder, sines

HIGH = {"gru": 5401, "lstm": 7171, "alstm": 8221, "tcn": 14581, "transformer": 8521, "mlp": 931}
LOW = {"gru": 3693, "lstm": 4833, "alstm": 6063, "tcn": 14133, "transformer": 8073, "mlp": 483}


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_parameter_counts_are_those_of_the_docstrings() -> None:
    assert set(ENCODERS) == set(HIGH) == set(LOW)
    for word in ENCODERS:
        assert count(HighFrequencyNet(encoder=word)) == HIGH[word]
        assert count(LowFrequencyNet(encoder=word)) == LOW[word]
        assert f"{word} {HIGH[word]:,}" in " ".join(str(HighFrequencyNet.__doc__).split())
        assert f"{word} {LOW[word]:,}" in " ".join(str(LowFrequencyNet.__doc__).split())
    assert count(LowFrequencyNet(frequencies=["daily"])) == 3511
    assert count(JointNet()) == 5401 + 3693


class _Before(nn.Module):
    """The high-frequency network as it was before its encoder could be chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(27, 30, 1, batch_first=True)
        self.norm = nn.BatchNorm1d(30)
        self.head = nn.Linear(30, 1)

    def forward(self, inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
        _, hidden_lbh = self.gru(inputs[0])
        return torch.sigmoid(self.head(self.norm(hidden_lbh[-1])))


def test_the_default_is_the_plain_gru_to_the_bit() -> None:
    made = []
    for kind in (_Before, HighFrequencyNet):
        torch.manual_seed(3)
        made.append(kind())
    before, now = made
    assert list(before.state_dict()) == list(now.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(before.state_dict().values(), now.state_dict().values(), strict=True))
    x_btf = noise(40, 50, 27).transpose(0, 1)
    scores = [network((x_btf,)) for network in made]
    assert torch.equal(*scores)
    for score in scores:
        score.square().sum().backward()
    pairs = zip(before.parameters(), now.parameters(), strict=True)
    assert all(torch.equal(a.grad, b.grad) for a, b in pairs)
    names = list(LowFrequencyNet().state_dict())
    assert names[:4] == [f"grus.0.{part}_l0" for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]


@pytest.mark.parametrize("word", ENCODERS)
def test_every_encoder_makes_both_networks_learnable(word: str) -> None:
    torch.manual_seed(0)
    for network, steps, fields in (
        (HighFrequencyNet(encoder=word), (40,), 27),
        (LowFrequencyNet(encoder=word), (40, 20, 12), 6),
        (LowFrequencyNet(encoder=word, shared=False, hidden=8, layers=2), (40, 20, 12), 6),
    ):
        y_bk = network(tuple(noise(12, t, fields) for t in steps))
        assert y_bk.shape == (12, len(network.tasks))
        assert y_bk.std(dim=0).min() > 1e-3, "different stocks, different scores"
        y_bk.square().sum().backward()
        assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in network.parameters())
        assert sum(float(p.grad.abs().sum()) == 0 for p in network.parameters() if p.grad is not None) == 0


@pytest.mark.parametrize("word", ENCODERS)
def test_a_stocks_vector_depends_on_its_own_window_alone(word: str) -> None:
    torch.manual_seed(0)
    encoder = make_encoder(word, 6, 10, 1)
    x_btf = noise(9, 20, 6)
    together = encoder(x_btf)
    assert together.shape == (9, encoder.width)
    torch.testing.assert_close(together[4:5], encoder(x_btf[4:5]), atol=1e-6, rtol=0)
    moved = x_btf.clone()
    moved[4, -1] += 1
    changed = (encoder(moved) != together).any(dim=1)
    assert changed.tolist() == [b == 4 for b in range(9)]


@pytest.mark.parametrize("kind", [TcnEncoder, TransformerEncoder])
@pytest.mark.parametrize("s", [0, 7, 18])
def test_states_know_nothing_of_later_steps(kind: type, s: int) -> None:
    torch.manual_seed(0)
    encoder = kind(6, 10, 2).eval()
    axis = 2 if kind is TcnEncoder else 1
    x_btf = noise(5, 20, 6)
    scrambled = x_btf.clone()
    scrambled[:, s + 1 :] = noise(5, 19 - s, 6, seed=9)
    before, after = (encoder.states(x).movedim(axis, 1) for x in (x_btf, scrambled))
    torch.testing.assert_close(before[:, : s + 1], after[:, : s + 1], atol=1e-6, rtol=0)
    assert bool((before[:, s + 1 :] != after[:, s + 1 :]).any())


def test_tcn_sees_as_far_as_it_says_and_no_further() -> None:
    torch.manual_seed(0)
    x_btf = noise(3, 70, 4).requires_grad_()
    TcnEncoder(4, 8)(x_btf).sum().backward()
    assert x_btf.grad is not None
    seen = x_btf.grad.abs().sum(dim=(0, 2)) > 0
    assert seen.tolist() == [age < 63 for age in range(69, -1, -1)]


def test_tcn_by_hand() -> None:
    """One unit, kernel 2, one level: relu(2 * x[t-1] + 3 * x[t] - 1) + x[t], with 0 before the window."""
    encoder = TcnEncoder(1, 1, kernel=2, levels=1)
    with torch.no_grad():
        encoder.enter.weight.fill_(1.0)
        encoder.enter.bias.fill_(0.0)
        encoder.convolutions[0].weight.copy_(torch.tensor([[[2.0, 3.0]]]))
        encoder.convolutions[0].bias.fill_(-1.0)
    states = encoder.states(torch.tensor([[[1.0], [-2.0], [0.5]]]))
    assert states.flatten().tolist() == [1 + 2, -2 + 0, 0.5 + 0]
    assert encoder(torch.tensor([[[1.0], [4.0]]])).item() == 4 + 2 + 12 - 1


def test_attention_pooling_by_hand() -> None:
    """Weights of attention that see nothing are equal: the pooled state is the mean over steps."""
    torch.manual_seed(0)
    encoder = AttentiveLstmEncoder(3, 4)
    x_btf = noise(2, 6, 3)
    states_bth, _ = encoder.lstm(x_btf)
    with torch.no_grad():
        encoder.weigh.weight.zero_()
    expected = torch.cat([states_bth[:, -1], states_bth.mean(dim=1)], dim=1)
    torch.testing.assert_close(encoder(x_btf), expected)
    with torch.no_grad():
        encoder.weigh.weight.fill_(1.0)
        encoder.project.weight.copy_(1e4 * torch.eye(4))
        encoder.project.bias.zero_()
    # tanh saturates at the sign: each step's weight is exp(number of positive units - number of negative ones)
    power_bt = states_bth.sign().sum(dim=2).exp()
    pooled = (power_bt[:, :, None] * states_bth).sum(dim=1) / power_bt.sum(dim=1)[:, None]
    torch.testing.assert_close(encoder(x_btf)[:, 4:], pooled, atol=1e-5, rtol=0)


def test_positions_count_from_the_end_so_that_lengths_can_differ() -> None:
    rows = sines(40, 6)
    assert torch.equal(rows[-12:], sines(12, 6))
    torch.testing.assert_close(rows[-1], torch.tensor([0.0, 0, 0, 1, 1, 1]))
    rate = 10_000 ** (-2 / 6)
    expected = [math.sin(2), math.sin(2 * rate), math.sin(2 * rate**2)]
    torch.testing.assert_close(rows[-3, :3], torch.tensor(expected))


def test_transformer_attention_agrees_with_a_plain_one() -> None:
    torch.manual_seed(0)
    encoder = TransformerEncoder(5, 8, layers=1, heads=2).eval()
    x_btf, block = noise(3, 7, 5), encoder.blocks[0]
    state = encoder.enter(x_btf) + sines(7, 8)
    query, key, value = block.query_key_value(block.norm_attention(state)).split(8, dim=2)
    mixed = torch.zeros_like(state)
    for b in range(3):
        for head in (slice(0, 4), slice(4, 8)):
            for t in range(7):
                weight_s = ((query[b, t, head] * key[b, : t + 1, head]).sum(dim=1) / 2.0).softmax(dim=0)
                mixed[b, t, head] = weight_s @ value[b, : t + 1, head]
    state = state + block.mix(mixed)
    expected = encoder.norm(state + block.wide(block.norm_wide(state)))[:, -1]
    torch.testing.assert_close(encoder(x_btf), expected, atol=1e-5, rtol=1e-5)


def test_the_perceptron_reads_one_step() -> None:
    torch.manual_seed(0)
    for network, fields, read in ((HighFrequencyNet(encoder="mlp"), 27, -1), (LowFrequencyNet(encoder="mlp"), 6, -2)):
        inputs = tuple(noise(5, t, fields).requires_grad_() for t in (40, 20, 12)[: len(network.tasks)])
        network.eval()(inputs).sum().backward()
        for x_btf in inputs:
            assert x_btf.grad is not None
            pull_t = x_btf.grad.abs().sum(dim=(0, 2))
            assert [age for age in range(1, len(pull_t) + 1) if pull_t[-age] > 0] == [-read]
    assert MlpEncoder(6, 10, layers=3)(noise(2, 4, 6)).shape == (2, 10)


class Mean(nn.Module):
    """An encoder of one's own."""

    def __init__(self, n_fields: int, hidden: int, layers: int, power: float = 1.0) -> None:
        super().__init__()
        self.width, self.power = n_fields, power

    def forward(self, x_btf: torch.Tensor) -> torch.Tensor:
        return x_btf.mean(dim=1) * self.power


def test_an_encoder_of_ones_own_by_its_path() -> None:
    network = LowFrequencyNet(encoder=f"{__name__}.Mean", encoder_options={"power": 2.0})
    assert count(network) == 3 * (12 + 7)
    assert network(tuple(noise(5, t, 6) for t in (40, 20, 12))).shape == (5, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"encoder": "grru"}, "must be one of gru, lstm, alstm, tcn, transformer, mlp"),
        ({"encoder": "no_such.Thing"}, "no_such.Thing"),
        ({"encoder": "math.pi"}, "must be a class derived"),
        ({"encoder": "tcn", "encoder_options": {"kernal": 3}}, "kernal"),
        ({"encoder": "tcn", "encoder_options": {"kernel": 1}}, "kernel is 1"),
        ({"encoder": "transformer", "hidden": 9}, "hidden is 9"),
        ({"encoder": "mlp", "encoder_options": {"step": 0}}, "step is 0"),
        ({"layers": 0}, "layers is 0"),
        ({"encoder": "torch.nn.Identity"}, "width"),
    ],
)
def test_what_cannot_be_built_is_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HighFrequencyNet(**arguments)


@pytest.mark.parametrize("frequencies", [[], ["hourly"], ["weekly", "daily"], ["daily", "daily"]])
def test_frequencies_out_of_order_are_refused(frequencies: list[str]) -> None:
    with pytest.raises(ValueError, match="frequencies"):
        LowFrequencyNet(frequencies=frequencies)


def test_some_frequencies_give_some_tasks() -> None:
    network = LowFrequencyNet(frequencies=["daily", "monthly"])
    assert network.tasks == ("lf_daily", "lf_monthly")
    assert network((noise(4, 40, 6), noise(4, 12, 6))).shape == (4, 2)
    with pytest.raises(ValueError, match="zip"):
        network((noise(4, 40, 6),))


def test_the_joint_network_is_both_side_by_side() -> None:
    torch.manual_seed(0)
    joint = JointNet(high={"hidden": 8}, low={"hidden": 6, "encoder": "lstm"}).eval()
    assert joint.tasks == ("hf", "lf_daily", "lf_weekly", "lf_monthly")
    inputs = (noise(5, 40, 27), *(noise(5, t, 6) for t in (40, 20, 12)))
    y_bk = joint(inputs)
    assert torch.equal(y_bk[:, :1], joint.high(inputs[:1]))
    assert torch.equal(y_bk[:, 1:], joint.low(inputs[1:]))
