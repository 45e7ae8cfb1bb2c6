"""The stages on a market with ticks, and on one that has grown by a session."""

import json

import numpy as np
import pytest
from chain import run_stages

import fusion_factor.features.session_factors as session_factors
from fusion_factor.features import FeatureSet
from fusion_factor.features.intraday.catalogue import LEVEL2

SMALL = ("data.n_stocks=30", "data.n_themes=2", "data.n_concepts=0", "data.n_industries=3")
SPAN = ("data.start=2022-08-01", "data.bars_from=2022-12-01")


@pytest.mark.slow
def test_the_next_session_is_computed_alone(tmp_path, monkeypatch):
    real, computed = session_factors.compute_factors, []

    def counting(bars, names, **more):
        computed.append(str(bars.session))
        return real(bars, names, **more)

    monkeypatch.setattr(session_factors, "compute_factors", counting)
    first = ("data.ticks=true", *SMALL, *SPAN, "data.end=2022-12-15")
    run_stages(tmp_path, ("simulate", "features"), *first)
    assert len(computed) == 11
    before = FeatureSet.load(tmp_path / "features", mmap=False)
    listed = json.loads((tmp_path / "features" / "factors.json").read_text())
    assert {row["name"] for row in listed if row["tier_used"] == "l2"} == set(LEVEL2)
    assert set(LEVEL2) <= set(before.factors.names)
    assert np.isfinite(before.factors.values[-1]).mean() > 0.9
    computed.clear()
    run_stages(tmp_path, ("simulate", "features"), *first[:-1], "data.end=2022-12-16")
    assert computed == ["2022-12-16"]
    after = FeatureSet.load(tmp_path / "features", mmap=False)
    n = np.searchsorted(after.symbols, before.symbols)
    assert np.array_equal(after.factors.values[: len(before.sessions), n], before.factors.values, equal_nan=True)
