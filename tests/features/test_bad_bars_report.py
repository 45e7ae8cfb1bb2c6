"""What the stream tells of bars that the reader left out or that are missing, and when it refuses them."""

import csv
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fake_market import make_market

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.features import FeatureConfig, build
from fusion_factor.features.factor_stream import FactorStream
from fusion_factor.features.intraday.catalogue import HUATAI27
from fusion_factor.features.session_factors import SessionFactors
from fusion_factor.market.bar_files import MappedBars
from fusion_factor.market.bar_grid import READ_KINDS
from fusion_factor.market.level2 import BadRows

SESSIONS, SYMBOLS = 4, 8


def market_with(t, *, left_out=None, missing=None):
    """A small market; at bar session t, counts by position of the symbol: {s: (kind, rows)}, {s: bars}."""
    market = make_market(40, SYMBOLS, SESSIONS)
    bars = market._bars[market.bar_sessions[t]]
    counts = np.zeros((len(bars.symbols), len(READ_KINDS)), np.int64)
    for s, (kind, rows) in (left_out or {}).items():
        counts[s, READ_KINDS.index(kind)] = rows
    lost = np.zeros(len(bars.symbols), np.int64)
    volume = bars.volume.copy()
    for s, count in (missing or {}).items():
        lost[s], volume[s, 16 - count :] = count, 0.0
    bad = BadRows(bars.symbols, counts, counts.sum(axis=1), READ_KINDS)
    market._bars[bars.session] = replace(bars, volume=volume, left_out=bad, missing=lost)
    return market, bars


def report(folder):
    with (folder / "bad_input.csv").open() as stream:
        return {(row["symbol"], row["kind"]): (int(row["bad"]), int(row["rows"])) for row in csv.DictReader(stream)}


def built(market, folder, **config):
    return build(market, FeatureConfig(workers=1, **config), folder, progress=False, check=False)


def row_of(features, bars, s):
    t = int(np.flatnonzero(features.sessions == bars.session)[0])
    return features.factors.values[t, int(np.flatnonzero(features.symbols == str(bars.symbols[s]))[0])]


def test_rows_left_out_are_listed_and_refuse_their_symbol(tmp_path):
    market, bars = market_with(2, left_out={0: ("repeated", 1), 1: ("conflicting", 4)})
    features = built(market, tmp_path)
    assert report(tmp_path) == {
        (bars.symbols[0], "repeated"): (1, 17),
        (bars.symbols[1], "conflicting"): (4, 20),  # a fifth, above the limit of 5 %
    }
    assert np.isnan(row_of(features, bars, 1)).all()
    assert np.isfinite(row_of(features, bars, 2)).any()


def test_missing_bars_are_counted_and_refuse_nobody_unless_a_limit_says_so(tmp_path, caplog):
    market, bars = market_with(2, missing={0: 6, 1: 7})
    market._bars[bars.session].missing[3] = 0
    features = built(market, tmp_path)
    expected = {(bars.symbols[0], "missing"): (6, 16), (bars.symbols[1], "missing"): (7, 16)}
    assert report(tmp_path) == expected
    assert "bars: 13 missing (minutes without a row) in 1 sessions" in caplog.text
    assert np.isfinite(row_of(features, bars, 0)).any()
    limited = built(market, tmp_path, max_missing_share=0.4)  # the session has 13 of 128
    assert np.isnan(row_of(limited, bars, 1)).all()
    assert np.isfinite(row_of(limited, bars, 0)).any()
    with pytest.raises(DataError, match=r"1 of 4 sessions failed.*13 of \d+ bars are missing.*max_missing_share is 5"):
        built(market, tmp_path, max_missing_share=0.05)
    with pytest.raises(ConfigError, match=r"features.max_missing_share is 2"):
        FeatureConfig(max_missing_share=2)


def test_a_few_missing_bars_share_a_line(tmp_path):
    market, bars = market_with(1, missing={0: 1, 1: 2, 2: 9})
    built(market, tmp_path, max_bad_share=0.2)
    assert report(tmp_path) == {(bars.symbols[2], "missing"): (9, 16), ("others", "missing"): (3, 32)}


def test_a_refused_session_loses_no_other_and_is_reported(tmp_path):
    market, bars = market_with(1, left_out={s: ("outside_session", 5) for s in range(5)})
    words = r"1 of 4 sessions failed, .*: bars of .* rows are bad .*max_bad_share.*outside_session 5"
    with pytest.raises(DataError, match=words):
        built(market, tmp_path)
    assert len(list((tmp_path / "sessions").glob("*.factors.*"))) == SESSIONS - 1
    assert set(report(tmp_path)) == {(symbol, "outside_session") for symbol in bars.symbols[:5]}


def test_bars_read_from_files_are_counted_and_a_corrected_file_is_computed_again(tmp_path):
    """Files of a vendor to the report; a row that goes changes the session's key though no factor moves."""
    market = make_market(40, SYMBOLS, SESSIONS)
    stamps = [*range(585, 691, 15), *range(795, 901, 15)]
    (tmp_path / "bars").mkdir()
    for day, bars in market._bars.items():
        frame = pd.DataFrame({"symbol": np.repeat(bars.symbols.astype(str), 16), "time": stamps * len(bars.symbols)})
        frame["time"] = frame["time"] // 60 * 100 + frame["time"] % 60
        for name in ("open", "high", "low", "close", "volume", "amount"):
            frame[name] = getattr(bars, name).reshape(-1).astype(float)
        frame.to_csv(tmp_path / f"bars/{day}.csv", index=False)
    first = market.bar_sessions[0]
    whole = pd.read_csv(tmp_path / f"bars/{first}.csv")
    pd.concat([whole, whole.iloc[[3]]]).to_csv(tmp_path / f"bars/{first}.csv", index=False)
    columns = {name: name for name in whole.columns}
    reader = MappedBars(
        {"path": "bars/{date}.csv", "minutes": 15, "label": "end", "columns": columns}, tmp_path, cache=None
    )
    market.bars, market.bars_fingerprint = reader.session_bars, reader.fingerprint
    stream = FactorStream(SessionFactors(market, HUATAI27, (), max_bad_share=0.1), tmp_path / "kept", 1)
    found = dict(stream)
    assert stream.lines == [(str(first), "bars", str(whole["symbol"][0]), "repeated", 1, 17)]
    whole.to_csv(tmp_path / f"bars/{first}.csv", index=False)
    again = FactorStream(SessionFactors(market, HUATAI27, (), max_bad_share=0.1), tmp_path / "kept", 1)
    assert len(again.unfinished()) == 1
    corrected = dict(again)
    assert again.lines == []
    assert all(np.array_equal(found[t], corrected[t], equal_nan=True) for t in found)
