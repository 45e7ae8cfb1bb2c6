"""One peer's RankIC, run in the peer's own environment: `python rank_ic_peers.py NAME DATA.npz OUT.npz`.

Reads score and label [T sessions, N names], builds the peer's own table and calls it on three sessions (not timed),
times the peer's own call on all, and writes its RankIC by session, the seconds of wall clock and of processor, and its
version. Knows nothing of ours.
"""

import sys
import time
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import pandas as pd


def long_table(score_tn: np.ndarray, label_tn: np.ndarray, keys: tuple[str, str]) -> pd.DataFrame:
    """Rows of the names that have both, by session and name."""
    t, n = np.nonzero(np.isfinite(score_tn) & np.isfinite(label_tn))
    days = pd.bdate_range("2014-01-01", periods=len(score_tn))
    index = pd.MultiIndex.from_arrays(
        [days[t], np.array([f"{k:06d}" for k in range(score_tn.shape[1])])[n]], names=keys
    )
    return pd.DataFrame({"score": score_tn[t, n], "label": label_tn[t, n]}, index)


def alphalens(score_tn: np.ndarray, label_tn: np.ndarray) -> tuple[Callable[[], pd.Series], str]:
    """`factor_information_coefficient` on a clean factor table with one period."""
    from alphalens.performance import factor_information_coefficient

    table = long_table(score_tn, label_tn, ("date", "asset")).rename(columns={"score": "factor", "label": "5D"})
    return lambda: factor_information_coefficient(table)["5D"], "alphalens-reloaded"


def qlib(score_tn: np.ndarray, label_tn: np.ndarray) -> tuple[Callable[[], pd.Series], str]:
    """`calc_ic`, which works out IC and RankIC at once."""
    from qlib.contrib.eva.alpha import calc_ic

    table = long_table(score_tn, label_tn, ("datetime", "instrument"))
    return lambda: calc_ic(table["score"], table["label"])[1], "pyqlib"


def qlib_rank_only(score_tn: np.ndarray, label_tn: np.ndarray) -> tuple[Callable[[], pd.Series], str]:
    """The part of `calc_ic` that is RankIC: Spearman correlation by groupby and apply."""
    table = long_table(score_tn, label_tn, ("datetime", "instrument"))
    by_date = table.groupby("datetime", group_keys=False)
    return lambda: by_date.apply(lambda day: day["score"].corr(day["label"], method="spearman")), "pyqlib"


PEERS = {"alphalens": alphalens, "qlib": qlib, "qlib_rank_only": qlib_rank_only}


def main() -> None:
    """Run the peer that is named."""
    name, data, out = sys.argv[1:4]
    with np.load(data) as arrays:
        score_tn, label_tn = arrays["score_tn"], arrays["label_tn"]
    call, package = PEERS[name](score_tn, label_tn)
    PEERS[name](score_tn[:3], label_tn[:3])[0]()  # loads what it needs
    wall, processor = time.perf_counter(), time.process_time()
    rank_ic = call()
    seconds = {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor}
    np.savez(out, rank_ic=rank_ic.to_numpy(dtype=np.float64), version=f"{package} {version(package)}", **seconds)


if __name__ == "__main__":
    main()
