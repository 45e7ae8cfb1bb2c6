"""What the bare loop itself leaves of the processor, and what other ways would win: for training_epoch.py.

The work of a step is counted from the shapes of its matrix products; the peak is the rate of a large float32 product in
the same run. Ways that change the numbers (bfloat16, rows in blocks) are timed to know their worth, not used.
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import torch
from torch import Tensor, nn
from training_panels import NETWORKS, SEED, Seconds, compared, in_turn

from fusion_factor.features import FeatureSet
from fusion_factor.networks import CorrelationLoss
from fusion_factor.training import FitSettings, Fold, Samples
from fusion_factor.training.batches import Inputs

SIDE = 1024
BLOCK = 512


def gru_flops(inputs: Inputs, hidden: int = 30) -> int:
    """Multiplications and additions of the matrix products of a training step through the GRU.

    Forward 6 h (f + h) a row and step; backward the same for the weights and 6 h h for the state. The windows need no
    gradient.
    """
    return sum(x.shape[0] * x.shape[1] * (2 * 6 * hidden * (x.shape[2] + hidden) + 6 * hidden * hidden) for x in inputs)


def make_step(network: nn.Module, inputs: Inputs, label_b: Tensor) -> Callable[[], None]:
    """One bare training step on one batch."""
    loss, adam = CorrelationLoss(), torch.optim.Adam(network.parameters())

    def step() -> None:
        adam.zero_grad()
        loss(network(inputs).float(), label_b).backward()
        torch.nn.utils.clip_grad_value_(network.parameters(), 3.0)
        adam.step()

    return step


class InBlocks(nn.Module):
    """The network's encoder on blocks of rows, whose states stay in the cache; high-frequency only."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Inputs) -> Tensor:
        """As the network's own."""
        net: Any = self.network
        states_bh = torch.cat([net.gru(block) for block in inputs[0].split(BLOCK)])
        return net.squash(net.head(net.norm(states_bh)))


def measure(kind: str, features: FeatureSet, fold: Fold, repeats: int) -> dict[str, Any]:
    """One thread: the step's rate beside the peak and beside products of its own shapes; then other ways over it."""
    network, kind_of_inputs = NETWORKS[kind]
    samples = Samples(kind_of_inputs(features), features, FitSettings(min_names=20), SEED)
    inputs, label_b = samples.whole(int(fold.train[0]))
    plain, net = make_step(network(), inputs, label_b), network()

    def bfloat16() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            step16()

    step16 = make_step(network(), inputs, label_b)
    square = torch.rand(SIDE, SIDE)
    rows, weights = torch.rand(len(label_b), 30), torch.rand(30, 90)
    calls: dict[str, Callable[[], Any]] = {
        "step": plain,
        "forward": lambda: net(inputs),
        "bfloat16": bfloat16,
        "large_product": lambda: square @ square,
        "own_product": lambda: [rows @ weights for _ in range(40)],
    }
    if kind == "hf":
        calls["blocks"] = make_step(InBlocks(network()), inputs, label_b)
    seconds = in_turn(calls, repeats)
    cpu = {name: statistics.median(each[1] for each in found) for name, found in seconds.items()}
    peak = 2 * SIDE**3 / cpu["large_product"] / 1e9
    own = 40 * 2 * rows.shape[0] * 30 * 90 / cpu["own_product"] / 1e9
    reached = gru_flops(inputs) / cpu["step"] / 1e9
    return {
        "rows": len(label_b),
        "step_cpu_s": cpu["step"],
        "gflops": {"large_product": peak, "own_product": own, "step": reached},
        "share_of_peak": reached / peak,
        "share_of_step_in_products_at_own_rate": gru_flops(inputs) / 1e9 / own / cpu["step"],
        **{
            f"{name}_over_step": compared(seconds[name], seconds["step"], (name, "step"))
            for name in ("bfloat16", "blocks")
            if name in seconds
        },
    }


def side_by_side(kind: str, features: FeatureSet, fold: Fold, steps: int, repeats: int) -> dict[str, Any]:
    """Two fits of so many steps: each on one thread at once, over one after the other on two threads (wall time)."""
    samples = Samples(NETWORKS[kind][1](features), features, FitSettings(min_names=20), SEED)
    inputs, label_b = samples.whole(int(fold.train[0]))
    batch = (*(x_btf.contiguous().numpy() for x_btf in inputs), label_b.numpy())
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe() for _ in range(2)]
    workers = [context.Process(target=_work, args=(kind, batch, theirs)) for _, theirs in pipes]
    for worker in workers:
        worker.start()
    ends = [ours for ours, _ in pipes]
    together: list[Seconds] = []
    in_a_row: list[Seconds] = []
    for repeat in range(repeats + 1):
        once = _timed(ends, 1, steps), _timed(ends[:1], 2, 2 * steps)
        if repeat:
            together.append(once[0])
            in_a_row.append(once[1])
    for end in ends:
        end.send(None)
    for worker in workers:
        worker.join()
    return compared(together, in_a_row, ("one_thread_each_at_once", "two_threads_one_after_the_other"))


def _timed(ends: list[Connection], threads: int, steps: int) -> Seconds:
    """Wall seconds until all are done, and the processor seconds of all."""
    started = time.perf_counter()
    for end in ends:
        end.send((threads, steps))
    cpu = sum(end.recv() for end in ends)
    return time.perf_counter() - started, cpu


def _work(kind: str, batch: tuple[Any, ...], end: Connection) -> None:
    """A process that fits: for each (threads, steps) it hears, so many steps; answers its processor seconds."""
    *windows, label_b = (torch.from_numpy(part) for part in batch)
    step = make_step(NETWORKS[kind][0](), tuple(windows), label_b)
    while (order := end.recv()) is not None:
        threads, steps = order
        torch.set_num_threads(threads)
        started = time.process_time()
        for _ in range(steps):
            step()
        end.send(time.process_time() - started)
