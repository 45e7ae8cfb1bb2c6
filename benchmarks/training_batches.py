"""Batches alone, beside a bare gather of the same names and steps from the panels: for training_epoch.py.

A high-frequency window is the panel itself, so the bare gather gives the same numbers. A low-frequency window is
standardised when it is gathered; the bare side is timed twice there: without any arithmetic (`gather`), and with the
same arithmetic written out over means and deviations that are known beforehand (`written_out`).
"""

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from training_panels import NETWORKS, SEED, compared, in_turn

from fusion_factor.features import FeatureSet
from fusion_factor.training import FitSettings, Fold, HighFrequencyInputs, LowFrequencyInputs, Samples, WindowInputs
from fusion_factor.training.bar_series import ratio_moments

Gather = Callable[[int], list[Tensor]]


def measure(kind: str, features: FeatureSet, fold: Fold, repeats: int) -> dict[str, Any]:
    """Seconds of all training batches of a fold both ways, in turn; the windows are compared first."""
    inputs = NETWORKS[kind][1](features)
    samples = Samples(inputs, features, FitSettings(min_names=20), SEED)
    dates = fold.train.tolist()
    ways = {"gather": _raw(inputs, samples, dates)}
    same = ways["gather"]
    if isinstance(inputs, LowFrequencyInputs):
        same = ways["written_out"] = _written_out(inputs, samples, dates)
    for t in dates:
        windows = samples.drawn(t, 0)[0]
        if not all(torch.equal(x_btf.transpose(0, 1), x_tbf) for x_btf, x_tbf in zip(windows, same(t), strict=True)):
            sys.exit(f"{kind}: windows of session {t} differ from the bare ones; no ratio")

    def all_of(gather: Callable[[int], object]) -> Callable[[], None]:
        def call() -> None:
            for t in dates:
                gather(t)

        return call

    calls = {"ours": all_of(lambda t: samples.drawn(t, 0))} | {name: all_of(way) for name, way in ways.items()}
    seconds = in_turn(calls, repeats)
    # A rate: the bare way's time over ours.
    return {name: compared(seconds[name], seconds["ours"], ("bare", "ours")) for name in ways}


def _chosen(inputs: WindowInputs, samples: Samples, dates: list[int]) -> dict[int, Tensor]:
    everybody = {t: torch.from_numpy(inputs.names(t)) for t in dates}
    return {t: names_b[samples._of(t).rows] for t, names_b in everybody.items()}


def _raw(inputs: WindowInputs, samples: Samples, dates: list[int]) -> Gather:
    """Slices of the panels and one index_select each: x_tbf."""
    chosen = _chosen(inputs, samples, dates)
    if isinstance(inputs, HighFrequencyInputs):
        panel_tnf, steps = inputs.panel_tnf, inputs.window_sessions
        return lambda t: [panel_tnf[t - steps + 1 : t + 1].index_select(1, chosen[t])]
    assert isinstance(inputs, LowFrequencyInputs)
    parts = [(each.panel_tnf, each.rows_between or 1, each.bars) for each in inputs.series]
    return lambda t: [
        panel_tnf[t - apart * (bars - 1) : t + 1 : apart].index_select(1, chosen[t]) for panel_tnf, apart, bars in parts
    ]


def _written_out(inputs: LowFrequencyInputs, samples: Samples, dates: list[int]) -> Gather:
    """The raw gather, divided by its last step, less the mean, times 1 / deviation, clipped; missing = 0: x_tbf."""
    raw, clip = _raw(inputs, samples, dates), inputs.clip
    moments = {
        t: [ratio_moments(each.of_session(t, torch.from_numpy(inputs.names(t))))[1] for each in inputs.series]
        for t in dates
    }

    def gather(t: int) -> list[Tensor]:
        windows = raw(t)
        for x_tbf, known in zip(windows, moments[t], strict=True):
            last_bf = x_tbf[-1]
            x_tbf.div_(torch.where(last_bf > 0, last_bf, torch.nan)).sub_(known.mean_tf[:, None])
            x_tbf.nan_to_num_(0.0, 0.0, 0.0).mul_(known.scale_tf[:, None]).clamp_(-clip, clip)
            x_tbf[-1] = 0.0
        return windows

    return gather
