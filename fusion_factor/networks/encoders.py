"""Sequence encoders: a window x_btf to one vector h_bh a stock. The networks take one by its word, `ENCODERS`.

Every encoder reads a window whose last step is the decision, so nothing in it is after the decision. Beyond that the
state at step s is a function of steps <= s (causal) in all of them, and the state at the last step is what is read; no
window is padded, a missing number is 0, and so no mask over steps is needed. All take windows of any length, so that
one encoder may be shared by sequences of different lengths.

Axes: b stock, t step in time order, f field, h unit. `width` is the length of the vector.
"""

import importlib
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional


class GruEncoder(nn.GRU):
    """The last hidden state of a GRU from the zero state: 3 * (f * h + h * h + 2 * h) parameters in the first layer.

    It is an nn.GRU, parameter names and bits included. Source: METHOD item 11.
    """

    def __init__(self, n_fields: int, hidden: int, layers: int = 1) -> None:
        super().__init__(n_fields, hidden, layers, batch_first=True)
        self.width = hidden

    def forward(self, x_btf: Tensor) -> Tensor:  # type: ignore[override]
        """The state h_bh after the last step."""
        _, hidden_lbh = super().forward(x_btf)
        return hidden_lbh[-1]


class LstmEncoder(nn.LSTM):
    """The last hidden state of an LSTM from the zero state: 4 * (f * h + h * h + 2 * h) parameters in the first layer.

    Source: Hochreiter and Schmidhuber, Long Short-Term Memory, 1997, with forget gates as in PyTorch.
    """

    def __init__(self, n_fields: int, hidden: int, layers: int = 1) -> None:
        super().__init__(n_fields, hidden, layers, batch_first=True)
        self.width = hidden

    def forward(self, x_btf: Tensor) -> Tensor:  # type: ignore[override]
        """The state h_bh after the last step."""
        _, (hidden_lbh, _) = super().forward(x_btf)
        return hidden_lbh[-1]


class AttentiveLstmEncoder(nn.Module):
    """An LSTM whose states of all steps are pooled by attention: the last state beside the pooled one, width 2 * h.

    The step t gets the weight softmax_t(v . tanh(W h_t + c)), W [h, h]. Parameters: the LSTM's, and h * h + 2 * h.
    Source: Feng et al., Enhancing Stock Movement Prediction with Adversarial Training, 2019 (ALSTM there), without its
    mapping layer and its adversarial part.
    """

    def __init__(self, n_fields: int, hidden: int, layers: int = 1) -> None:
        super().__init__()
        self.lstm = nn.LSTM(n_fields, hidden, layers, batch_first=True)
        self.project = nn.Linear(hidden, hidden)
        self.weigh = nn.Linear(hidden, 1, bias=False)
        self.width = 2 * hidden

    def forward(self, x_btf: Tensor) -> Tensor:
        """The last state and the pooled one, one after the other [b, 2h]."""
        states_bth, _ = self.lstm(x_btf)
        weight_bt1 = self.weigh(torch.tanh(self.project(states_bth))).softmax(dim=1)
        return torch.cat([states_bth[:, -1], (weight_bt1 * states_bth).sum(dim=1)], dim=1)


class TcnEncoder(nn.Module):
    """Causal dilated convolutions with residuals, read at the last step; `layers` stacks of `levels` convolutions.

    Level i looks `kernel` steps back, 2^i apart; the left is padded with zeros, never the right. One stack sees
    1 + (kernel - 1) * (2^levels - 1) steps: 63 by default. Parameters: f * h + h, and kernel * h * h + h a level.
    Source: Bai, Kolter and Koltun, An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence
    Modeling, 2018, with one convolution a level and without weight norm and dropout.
    """

    def __init__(self, n_fields: int, hidden: int, layers: int = 1, kernel: int = 3, levels: int = 5) -> None:
        super().__init__()
        if kernel < 2 or levels < 1:
            raise ValueError(f"kernel is {kernel} and levels is {levels}, must be >= 2 and >= 1")
        self.enter = nn.Linear(n_fields, hidden)
        self.reach = kernel - 1
        self.dilations = [2**level for _ in range(layers) for level in range(levels)]
        self.convolutions = nn.ModuleList(nn.Conv1d(hidden, hidden, kernel, dilation=step) for step in self.dilations)
        self.width = hidden

    def forward(self, x_btf: Tensor) -> Tensor:
        """The state h_bh at the last step."""
        return self.states(x_btf)[:, :, -1]

    def states(self, x_btf: Tensor) -> Tensor:
        """The state of every step [b, h, t]; that of step s depends on steps <= s."""
        state_bht = self.enter(x_btf).transpose(1, 2)
        for step, convolution in zip(self.dilations, self.convolutions, strict=True):
            state_bht = state_bht + functional.relu(convolution(functional.pad(state_bht, (self.reach * step, 0))))
        return state_bht


class TransformerEncoder(nn.Module):
    """Self-attention blocks, pre-norm, under a causal mask, read at the last step.

    Positions are counted from the end (the last step is 0) and added as fixed sines and cosines, so that one encoder
    can read windows of different lengths by their age, and no position has parameters. Parameters: f * h + h to enter,
    4 * (h * h + h) + 2 * h * wide + h + wide + 4 * h a layer with wide = 2 * h, and 2 * h for the last norm.
    Source: Vaswani et al., Attention Is All You Need, 2017; pre-norm as in Xiong et al., 2020. No dropout.
    """

    def __init__(self, n_fields: int, hidden: int, layers: int = 1, heads: int = 2) -> None:
        super().__init__()
        if heads < 1 or hidden % heads or hidden % 2:
            raise ValueError(f"hidden is {hidden}, must be even and a multiple of heads ({heads}) in a transformer")
        self.enter = nn.Linear(n_fields, hidden)
        self.blocks = nn.ModuleList(_AttentionBlock(hidden, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(hidden)
        self.width = hidden

    def forward(self, x_btf: Tensor) -> Tensor:
        """The state h_bh at the last step."""
        return self.states(x_btf)[:, -1]

    def states(self, x_btf: Tensor) -> Tensor:
        """The state of every step [b, t, h]; that of step s depends on steps <= s."""
        state_bth = self.enter(x_btf)
        state_bth = state_bth + sines(x_btf.shape[1], state_bth.shape[2]).to(state_bth)
        for block in self.blocks:
            state_bth = block(state_bth)
        return self.norm(state_bth)


class _AttentionBlock(nn.Module):
    """Attention, then a perceptron of one wide layer, each on the normed state and added to it."""

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(hidden)
        self.query_key_value = nn.Linear(hidden, 3 * hidden)
        self.mix = nn.Linear(hidden, hidden)
        self.norm_wide = nn.LayerNorm(hidden)
        self.wide = nn.Sequential(nn.Linear(hidden, 2 * hidden), nn.GELU(), nn.Linear(2 * hidden, hidden))

    def forward(self, state_bth: Tensor) -> Tensor:
        b, t, h = state_bth.shape
        parts = self.query_key_value(self.norm_attention(state_bth)).reshape(b, t, 3, self.heads, h // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        state_bth = state_bth + self.mix(seen.transpose(1, 2).reshape(b, t, h))
        return state_bth + self.wide(self.norm_wide(state_bth))


def sines(steps: int, hidden: int) -> Tensor:
    """Fixed positions [t, h] counted from the end: sin and cos of age / 10000^(2i / hidden), one after the other."""
    age_t1 = torch.arange(steps - 1, -1, -1, dtype=torch.float32)[:, None]
    rate_i = torch.exp(torch.arange(0, hidden, 2, dtype=torch.float32) * (-math.log(10_000.0) / hidden))
    return torch.cat([(age_t1 * rate_i).sin(), (age_t1 * rate_i).cos()], dim=1)


class MlpEncoder(nn.Module):
    """A perceptron on one step of the window, `layers` hidden layers: f * h + h parameters in the first.

    step  counted like an index: -1 is the last one. Bars divided by their last value say nothing there (it is 0 by
          construction); what they say of the last bar stands at -2, so LowFrequencyNet reads that one.
    """

    def __init__(self, n_fields: int, hidden: int, layers: int = 1, step: int = -1) -> None:
        super().__init__()
        if step >= 0:
            raise ValueError(f"step is {step}, must be < 0: counted from the end of the window")
        self.step = step
        sizes = [n_fields, *[hidden] * layers]
        self.inner = nn.Sequential(
            *(part for i in range(layers) for part in (nn.Linear(sizes[i], sizes[i + 1]), nn.ReLU()))
        )
        self.width = hidden

    def forward(self, x_btf: Tensor) -> Tensor:
        """The last hidden layer h_bh."""
        return self.inner(x_btf[:, self.step])


ENCODERS: Mapping[str, Callable[..., nn.Module]] = {
    "gru": GruEncoder,
    "lstm": LstmEncoder,
    "alstm": AttentiveLstmEncoder,
    "tcn": TcnEncoder,
    "transformer": TransformerEncoder,
    "mlp": MlpEncoder,
}


def make_encoder(
    encoder: str, n_fields: int, hidden: int, layers: int, options: Mapping[str, Any] | None = None
) -> nn.Module:
    """The encoder of that word, or of that dotted path to a class of one's own.

    Such a class takes `n_fields`, `hidden`, `layers` and the options by name, maps x_btf to [b, width] and has `width`.
    ValueError for an unknown word, a class that cannot be imported, or arguments that it does not take.
    """
    if hidden < 1 or layers < 1:
        raise ValueError(f"hidden is {hidden} and layers is {layers}, must be >= 1")
    found = ENCODERS.get(encoder) or _own(encoder)
    arguments = {"n_fields": n_fields, "hidden": hidden, "layers": layers, **(options or {})}
    try:
        inspect.signature(found).bind(**arguments)
    except TypeError as error:
        raise ValueError(f"encoder {encoder}: {error}") from error
    made = found(**arguments)
    if not isinstance(getattr(made, "width", None), int):
        raise ValueError(f"encoder {encoder}: has no integer `width`, the length of its output")
    return made


def width_of(encoder: nn.Module) -> int:
    """The length of an encoder's output."""
    return cast(int, encoder.width)


def _own(path: str) -> Callable[..., nn.Module]:
    """The class at a dotted path."""
    module_name, _, name = path.rpartition(".")
    if not module_name:
        raise ValueError(f"encoder is {path!r}, must be one of {', '.join(ENCODERS)}, or a dotted path to a class")
    try:
        found = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"encoder {path!r} cannot be imported: {error}") from error
    if not (inspect.isclass(found) and issubclass(found, nn.Module)):
        raise ValueError(f"encoder {path!r} must be a class derived from torch.nn.Module")
    return found
