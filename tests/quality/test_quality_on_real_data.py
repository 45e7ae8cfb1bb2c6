"""The flaws that the description of the real A-share sample tells of are found, in number and place."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from fusion_factor.market import open_market
from fusion_factor.quality import inspect

pytestmark = [pytest.mark.shared_data, pytest.mark.slow]
CONFIG = Path(__file__).resolve().parents[2] / "conf" / "data" / "ashare_sample.yaml"


def test_the_known_flaws_of_the_daily_rows(shared_data):
    config = OmegaConf.create({"data": OmegaConf.load(CONFIG)})
    config.data.update({"folder": str(shared_data), "bars": None, "pools": None})
    seen = inspect(open_market(OmegaConf.to_container(config, resolve=True)["data"]))
    row = {each["check"]: each for each in seen.summary["checks"]}
    assert seen.summary["rows"] == 5_570_639
    assert seen.above == []
    assert (row["hole"]["found"], row["hole"]["cells"], row["hole"]["largest"]) == (1549, 49283, 1110)
    assert (row["stop"]["found"], row["stop"]["first"], row["stop"]["last"]) == (174, "2022-01-17", "2022-01-17")
    assert row["factor_fall"]["found"] == 4
    jumps = seen.findings[seen.findings["check"] == "jump"]
    assert set(jumps["symbol"]) == {"000792.SZ", "002506.SZ", "600733.SH", "000155.SZ", "000629.SZ"}
    assert len(jumps) == 5
    assert row["vwap_outside"]["found"] == 0
    assert row["vwap_outside"]["looked_at"] == 5_373_266
    assert row["session_extra"]["found"] == row["session_missing"]["found"] == 0
    assert min(row["amount_empty"]["by_year"][year] for year in ("2023", "2024", "2025")) > 15_000
