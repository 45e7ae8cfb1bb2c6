"""Texts a second of a BERT folder: `python benchmarks/text_encoder.py --folder FOLDER [--texts FILE.parquet]`.

The same texts are encoded in batches by length and in batches as they come, padded to their longest, in turns in one
run; then rates and their ratio are medians over rounds. Texts are the column `--column` of a Parquet file, or
sentences put together at random. Both orders must give the same vectors within 1e-4. On CUDA half precision, whose
batches have fixed shapes, is timed beside. Rates are of wall clock and of processor seconds, for other work on the
machine takes of the first. The results file keeps one entry a column.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import fusion_factor.text.bert as bert
from fusion_factor.core.artifacts import code_commit, package_versions
from fusion_factor.text import EncoderSettings
from fusion_factor.text.hashed_ngrams import hashed_ngrams
from fusion_factor.text.length_batches import Batch, length_batches

RESULTS = Path(__file__).parent / "results" / "text_encoder.json"
CLAUSES = ("业绩大幅超出预期", "净利润同比增长30%", "下调盈利预测", "维持买入评级", "毛利率小幅下滑", "新项目进展顺利")
Plan = Callable[[Sequence[int], int, int], Iterator[Batch]]


def arbitrary_batches(lengths: Sequence[int], batch_tokens: int, most_tokens: int) -> Iterator[Batch]:
    """As many texts a batch as batches by length have on average, in the order in which they come."""
    batches = sum(1 for _ in length_batches(lengths, batch_tokens, most_tokens))
    for rows in np.array_split(np.arange(len(lengths)), batches):
        yield Batch(rows, len(rows), max(lengths[row] for row in rows.tolist()))


def sample(options: argparse.Namespace) -> list[str]:
    """The texts: drawn from the file, or put together."""
    rng = np.random.default_rng(0)
    if options.texts is None:
        return [",".join(rng.choice(CLAUSES, rng.integers(1, 12))) for _ in range(options.count)]
    texts = pd.read_parquet(options.texts, columns=[options.column])[options.column].dropna().tolist()
    return [texts[k] for k in rng.permutation(len(texts))[: options.count]]


def timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, dict[str, float]]:
    """The result, and its seconds of wall clock and processor."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    return result, {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor}


def encoder_of(options: argparse.Namespace, precision: str) -> bert.BertEncoder:
    settings = EncoderSettings(
        kind="bert", folder=str(options.folder), threads=options.threads, batch_tokens=options.batch_tokens,
        device=options.device, precision=precision,
    )  # fmt: skip
    return bert.BertEncoder(bert.BertSource.of(settings))


def main() -> None:
    """Compare, time in turns, print and write the rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--column", default="title")
    parser.add_argument("--count", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch-tokens", type=int, default=4096)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    texts = sample(options)
    full = encoder_of(options, "float32")
    tokens = full.tokens(texts)
    plans: dict[str, tuple[bert.BertEncoder, Plan]] = {
        "by length": (full, length_batches),
        "arbitrary": (full, arbitrary_batches),
    }
    if torch.device(full.source.device).type == "cuda":
        plans["by length, half"] = (encoder_of(options, "float16"), bert.fixed_batches)
    seconds: dict[str, list[dict[str, float]]] = {name: [] for name in (*plans, "hashed n-grams")}
    reference = full.encode(tokens)
    for _ in range(options.rounds):
        for name, (encoder, plan) in plans.items():
            found, taken = with_plan(encoder, plan, tokens)
            seconds[name].append(taken)
            if encoder is full and not np.abs(found - reference).max() < 1e-4:
                raise SystemExit(f"{name} differs by {np.abs(found - reference).max():.3g}")
        seconds["hashed n-grams"].append(timed(lambda: hashed_ngrams(texts))[1])
    write(options, texts, tokens, full, seconds)


def with_plan(encoder: bert.BertEncoder, plan: Plan, tokens: list[list[int]]) -> tuple[np.ndarray, dict[str, float]]:
    """Encode with this way of making batches in the place of the usual one."""
    usual = bert.length_batches, bert.fixed_batches
    bert.length_batches = bert.fixed_batches = plan  # type: ignore[assignment]
    try:
        return timed(lambda: encoder.encode(tokens))
    finally:
        bert.length_batches, bert.fixed_batches = usual  # type: ignore[assignment]


def write(
    options: argparse.Namespace,
    texts: list[str],
    tokens: list[list[int]],
    encoder: bert.BertEncoder,
    seconds: dict[str, list[dict[str, float]]],
) -> None:
    """Print what was measured and write it to results/text_encoder.json."""
    clocks = ("wall", "processor")
    rates = {
        name: {clock: len(texts) / statistics.median(each[clock] for each in taken) for clock in clocks}
        for name, taken in seconds.items()
    }
    ratio = {
        clock: statistics.median(
            slow[clock] / fast[clock] for slow, fast in zip(seconds["arbitrary"], seconds["by length"], strict=True)
        )
        for clock in clocks
    }
    for name, each in rates.items():
        print(f"{name:16s} {each['wall']:9.1f} texts a second of wall clock, {each['processor']:9.1f} of processor")
    print(f"arbitrary order takes {ratio['processor']:.2f} x the processor time of batches by length")
    length = [len(each) for each in tokens]
    result = {
        "texts": len(texts), "column": options.column if options.texts else "made up", "rounds": options.rounds,
        "tokens_mean": float(np.mean(length)), "tokens_max": max(length), "batch_tokens": options.batch_tokens,
        "threads": options.threads, "device": encoder.source.device, "dimensions": encoder.dimensions,
        "layers": int(encoder.model.config.num_hidden_layers), "texts_a_second": rates,
        "arbitrary_to_by_length": ratio, "load_average": os.getloadavg()[0],
        "machine": {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count(),
                    "python": platform.python_version()},
        "versions": package_versions(), "commit": code_commit(),
    }  # fmt: skip
    content = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    content[result["column"]] = result
    RESULTS.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
