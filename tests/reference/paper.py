"""Section 12: values as they are compared, and the two transforms of 3.2 that need it."""

import math


def on_paper(values: list[float]) -> list[float]:
    """The values as compared when ranked, sorted or tested for equality: round(v / m, 12), m the largest |v|."""
    largest = max((abs(value) for value in values), default=0.0)
    if largest == 0:
        return [0.0 for _ in values]
    return [round(value / largest, 12) + 0.0 for value in values]


def rank_shares(values: list[float]) -> list[float]:
    """3.2 `rank`: average rank r (1 = lowest) to (r - 0.5) / n."""
    compared = on_paper(values)
    shares = []
    for value in compared:
        below = sum(1 for other in compared if other < value)
        equal = sum(1 for other in compared if other == value)
        average_rank = below + (equal + 1) / 2
        shares.append((average_rank - 0.5) / len(values))
    return shares


def z_scores(values: list[float]) -> list[float]:
    """3.2 `zscore`: (x - mean) / std with ddof 0, all 0 when all x are equal."""
    if len(set(on_paper(values))) <= 1:
        return [0.0 for _ in values]
    mean = math.fsum(values) / len(values)
    std = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
    return [(value - mean) / std for value in values]
