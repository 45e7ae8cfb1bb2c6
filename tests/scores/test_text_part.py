"""The text factor as a further part of the fusion: its own weight, and stocks without reports are neutral."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fusion_factor.core.errors import ConfigError
from fusion_factor.scores import FusionConfig
from fusion_factor.stages.scores_fusion import Fusion

NAN = np.nan
DAYS = np.array(["2024-01-02", "2024-01-03"], "datetime64[D]")
NAMES = np.array(["A", "B", "C"], dtype=object)
LF = np.array([[1.0, 2.0, 3.0], [2.0, 1.0, NAN]])
TEXT = np.array([[5.0, 9.0, NAN], [NAN, NAN, NAN]])
Z = np.sqrt(1.5)


def predictions() -> dict[str, pd.DataFrame]:
    t, n = np.nonzero(np.isfinite(LF))
    frame = pd.DataFrame({"date": pd.DatetimeIndex(DAYS[t]), "symbol": NAMES[n], "fold": 0, "seed": 0, "lf": LF[t, n]})
    return {"lf": frame}


def fused(config: FusionConfig, **further: np.ndarray) -> tuple[Fusion, np.ndarray]:
    features: Any = SimpleNamespace(sessions=DAYS, symbols=NAMES, label=None, has_label=None, reach=11)
    fusion = Fusion.of(predictions(), features, config, ["lf"], further)
    return fusion, fusion.weighted(config).score_tn


def test_a_stock_without_reports_is_neutral_and_the_weight_is_its_own() -> None:
    fusion, score_tn = fused(FusionConfig(weights={"hf": 1.0, "lf": 3.0, "text": 2.0}), text=TEXT)
    assert list(fusion.parts) == ["lf", "text"]
    # by hand: z of (1, 2, 3) is (-Z, 0, Z), of the two stocks with a report (-1, 1); weights 3 and 2
    np.testing.assert_allclose(score_tn[0], [(-3 * Z - 2) / 5, 2 / 5, 3 * Z / 5])
    # nobody has a report on the second session: the order is that of lf; C has no lf and no score
    assert score_tn[1, 0] > 0 > score_tn[1, 1]
    assert np.isnan(score_tn[1, 2])
    assert fusion.sources == {"lf": "lf", "text": "text"}
    assert "text" in fusion.columns
    assert fusion.warnings(score_tn) == {}


def test_weight_0_leaves_the_score_as_it_was_and_no_weight_is_refused() -> None:
    _, without = fused(FusionConfig())
    _, zero = fused(FusionConfig(weights={"hf": 1.0, "lf": 3.0, "text": 0.0}), text=TEXT)
    np.testing.assert_allclose(zero, without, atol=1e-15)
    with pytest.raises(ConfigError, match="there is none of part text"):
        fused(FusionConfig(), text=TEXT)


def test_parts_may_name_it_or_leave_it_out() -> None:
    weights = {"hf": 1.0, "lf": 3.0, "text": 2.0}
    alone, score_tn = fused(FusionConfig(parts=["text"], weights=weights), text=TEXT)
    np.testing.assert_allclose(score_tn, [[-1.0, 1.0, NAN], [NAN, NAN, NAN]])
    assert (alone.folds_tn == -1).all()
    left_out, _ = fused(FusionConfig(parts=["lf"], weights=weights), text=TEXT)
    assert list(left_out.parts) == ["lf"]
