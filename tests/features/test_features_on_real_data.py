"""Features on the real sample: 15-minute bars of 2025, a year and a half of daily rows before them."""

import numpy as np
import pytest
from omegaconf import OmegaConf

from fusion_factor.core.cross_section import rank_correlation
from fusion_factor.features import FeatureConfig, build
from fusion_factor.features.intraday import HUATAI27
from fusion_factor.market import open_market


@pytest.mark.slow
@pytest.mark.shared_data
def test_the_real_sample(shared_data, tmp_path, monkeypatch):
    from pathlib import Path

    monkeypatch.setenv("FUSION_FACTOR_SHARED_DATA", str(shared_data))
    file = Path(__file__).parents[2] / "conf" / "data" / "ashare_sample.yaml"
    config = OmegaConf.to_container(OmegaConf.create({"data": OmegaConf.load(file)}), resolve=True)["data"]
    market = open_market(config | {"start": "2024-01-02", "end": "2025-06-30"})
    features = build(market, FeatureConfig(), tmp_path / "set", progress=False)
    last = len(features.sessions) - 15
    assert features.has_hf[last].sum() > 600  # Shanghai names of the sample
    assert features.has_lf[last].sum() > 1500
    assert features.has_label[last - 15].sum() > 1500
    x = features.factors.values[last][features.has_hf[last]]
    present = np.isfinite(x).mean(axis=0)
    assert present.min() > 0.5, dict(zip(HUATAI27, present, strict=True))
    shares = x[:, [HUATAI27.index(f"volume_perc{k}") for k in range(2, 8)]]
    assert np.nanmedian(shares.sum(axis=1)) == pytest.approx(0.6, abs=0.15)  # the rest is the first and last half hour
    assert 0.3 < np.nanmedian(x[:, HUATAI27.index("down_vol_perc")]) < 0.7
    # the daily bars agree with the label
    close = features.daily.column("close").astype(float)
    label = np.full(close.shape, np.nan)
    label[:-11] = close[11:] / close[1:-10] - 1
    t = last - 15
    known = features.has_label[t]
    np.testing.assert_allclose(features.label[t, known], label[t, known], atol=1e-5)
    # a stock's factors resemble themselves from one session to the next
    volume_share = features.factors.column("bigorder_amt_perc_px").astype(float)
    assert np.nanmean(rank_correlation(volume_share[last - 20 : last], volume_share[last - 19 : last + 1])) > 0.1
