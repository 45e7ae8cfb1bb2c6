"""Memory and reading of the stream, for benchmarks/intraday_factors.py: run in a process of its own.

    python intraday_memory.py FOLDER SYMBOLS SESSIONS

Writes sessions of 1-minute bars in the market's own format, then reads them one by one and computes all factors, and
prints as JSON how far the memory rose above that of the imported and compiled program, beside one session's bars.
"""

import json
import sys
import threading
import time
from pathlib import Path

import numpy as np
from intraday_peers import FIELDS, session_bars

from fusion_factor.features.intraday import compute_factors
from fusion_factor.market.store import SessionBars, read_bars, write_bars


def resident() -> int:
    """Bytes of memory that the process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def main() -> None:
    """Write, warm up, measure."""
    folder, n_symbols, n_sessions = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    small = session_bars(8)
    compute_factors(small)
    sessions = []
    for t in range(n_sessions):
        bars = session_bars(n_symbols, seed=t)
        cents = np.stack([np.rint(getattr(bars, name) * 100.0).astype(np.int32) for name in FIELDS[:4]])
        volume, amount = (np.rint(x.astype(np.float64)).astype(np.int64) for x in (bars.volume, bars.amount))
        write_bars(folder, bars.session, bars.symbols, cents, volume, amount)
        sessions.append(bars.session)
    session_bytes = sum(getattr(bars, name).nbytes for name in FIELDS)
    del bars, cents, volume, amount
    compute_factors(read_bars(folder, sessions[0]))
    peak, running, start = 0, True, resident()

    def watch() -> None:
        nonlocal peak
        while running:
            peak = max(peak, resident())
            time.sleep(0.001)

    watcher = threading.Thread(target=watch)
    watcher.start()
    reading, computing = 0.0, 0.0
    for session in sessions:
        began = time.thread_time()
        bars: SessionBars = read_bars(folder, session)
        read = time.thread_time()
        np.asarray(compute_factors(bars), np.float32)
        reading, computing = reading + read - began, computing + time.thread_time() - read
    running = False
    watcher.join()
    n_bars = n_sessions * n_symbols * 240
    print(
        json.dumps(
            {
                "session_megabytes": session_bytes / 1e6,
                "peak_above_start_in_sessions": (peak - start) / session_bytes,
                "resident_start_in_sessions": start / session_bytes,
                "read_million_bars_per_second": n_bars / reading / 1e6,
                "compute_million_bars_per_second": n_bars / computing / 1e6,
            }
        )
    )


if __name__ == "__main__":
    main()
