"""The default classifier: a softmax over three classes on top of fixed vectors, by L-BFGS from zero.

Legend: n row, d input, h hidden unit, c class.
"""

import itertools
import math

import numpy as np
import torch
from torch import Tensor, nn

from fusion_factor.text.validation import FloatArray, IntArray, Matrix, Predict

_ROWS_AT_ONCE = 4096
_LEAST_SHARE_OF_SCALE = 0.5


def fit_softmax(
    x_nd: Matrix, class_n: IntArray, n_classes: int, *, penalty: float, hidden_units: int, iterations: int, seed: int
) -> Predict:
    """Fit on rows x [N, D] with classes 0 .. n_classes - 1; what comes back gives probabilities [M, n_classes].

    Args:
        penalty: L2, half of it times the sum of squared weights is added to the mean cross-entropy; not on biases.
        hidden_units: 0: linear; else one tanh layer, whose first weights come from `seed`.
        iterations: of L-BFGS at most.

    Inputs are centred and scaled by what x says. The same rows give the same bits on one thread, and the probabilities
    of a row do not depend on the rows beside it.
    """
    mean_d, scale_d = _scaling(x_nd)
    x = torch.from_numpy((x_nd - mean_d) / scale_d)
    layers = _layers(x_nd.shape[1], hidden_units, n_classes, seed)
    _minimise(layers, x, torch.from_numpy(class_n), penalty, iterations)
    weights = [(each.weight.detach().double().numpy(), each.bias.detach().double().numpy()) for each in layers]
    return lambda rows_nd: _probabilities(rows_nd, mean_d, scale_d, weights)


def _scaling(x_nd: Matrix) -> tuple[Matrix, Matrix]:
    """Mean and scale of each column.

    A rare n-gram has a tiny deviation; dividing by it would make the few texts that hold it enormous. So no scale is
    below half of the columns' root mean square deviation.
    """
    mean_d = x_nd.mean(axis=0, dtype=np.float64)
    deviation_d = x_nd.std(axis=0, dtype=np.float64)
    least = _LEAST_SHARE_OF_SCALE * math.sqrt(float((deviation_d**2).mean()))
    scale_d = np.maximum(deviation_d, least) if least > 0 else np.ones_like(deviation_d)
    return mean_d.astype(np.float32), scale_d.astype(np.float32)


def _layers(inputs: int, hidden_units: int, n_classes: int, seed: int) -> list[nn.Linear]:
    sizes = [inputs, hidden_units, n_classes] if hidden_units else [inputs, n_classes]
    layers = [nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for each in layers:
            each.weight.zero_()
            each.bias.zero_()
        if hidden_units:
            # From all zeros a hidden layer would never move.
            for each in layers:
                each.weight.normal_(0.0, 1 / math.sqrt(each.in_features), generator=generator)
    return layers


def _minimise(layers: list[nn.Linear], x: Tensor, class_n: Tensor, penalty: float, iterations: int) -> None:
    parameters = [parameter for each in layers for parameter in each.parameters()]
    optimizer = torch.optim.LBFGS(
        parameters, max_iter=iterations, tolerance_grad=1e-4, tolerance_change=1e-6, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        values = x
        for each in layers[:-1]:
            values = torch.tanh(each(values))
        loss = nn.functional.cross_entropy(layers[-1](values), class_n)
        loss = loss + 0.5 * penalty * torch.stack([(each.weight**2).sum() for each in layers]).sum()
        loss.backward()
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]


def _probabilities(
    x_nd: Matrix, mean_d: Matrix, scale_d: Matrix, weights: list[tuple[FloatArray, FloatArray]]
) -> FloatArray:
    out = np.empty((len(x_nd), len(weights[-1][1])))
    for first in range(0, len(x_nd), _ROWS_AT_ONCE):
        values = ((x_nd[first : first + _ROWS_AT_ONCE] - mean_d) / scale_d).astype(np.float64)
        for layer, (weight_hd, bias_h) in enumerate(weights):
            values = np.tanh(values) if layer else values
            # Sums by row: a matrix product could round differently with another number of rows.
            values = np.stack([(values * row_d).sum(axis=1) for row_d in weight_hd], axis=1) + bias_h
        values = np.exp(values - values.max(axis=1, keepdims=True))
        out[first : first + _ROWS_AT_ONCE] = values / values.sum(axis=1, keepdims=True)
    return out
