"""The example config is complete: files written as it describes them make a market, bars and pools."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from omegaconf import OmegaConf

from fusion_factor.core.errors import FusionFactorError
from fusion_factor.market import open_market
from fusion_factor.market.checks import check_market, check_pool

CONF = Path(__file__).resolve().parents[2] / "conf" / "data"
DAYS = pd.bdate_range("2024-01-02", periods=12)
STOCKS = [f"{600000 + i}.SH" for i in range(6)]


def example(folder):
    config = OmegaConf.load(CONF / "files.yaml")
    config.folder = str(folder)
    config.cache = str(folder / "cache")
    return OmegaConf.to_container(config, resolve=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    base = tmp_path_factory.mktemp("own")
    for name in ("daily", "adj_factor", "daily_basic", "minutes"):
        (base / name).mkdir()
    rng = np.random.default_rng(0)
    for i, code in enumerate(STOCKS):
        close = np.round(10 * np.exp(np.cumsum(rng.normal(0, 0.01, len(DAYS)))), 2)
        rows = pd.DataFrame(
            {"ts_code": code, "trade_date": DAYS.strftime("%Y%m%d"), "open": close, "high": close, "low": close}
        )
        rows = rows.assign(close=close, pre_close=close, vol=5000.0, amount=500.0 * close)
        rows.to_csv(base / "daily" / f"{code}.csv", index=False)
        rows.assign(adj_factor=1.5).to_csv(base / "adj_factor" / f"{code}.csv", index=False)
        rows.assign(circ_mv=50_000.0 * (i + 1)).to_csv(base / "daily_basic" / f"{code}.csv", index=False)
    frame = pd.DataFrame({"ts_code": STOCKS, "list_date": 20100104, "delist_date": ""})
    frame.to_csv(base / "stock_basic.csv", index=False)
    frame.assign(l1_code="801780", in_date=20200101, out_date="").to_csv(base / "industry.csv", index=False)
    told = pd.DataFrame({"ts_code": STOCKS, "end_date": 20221231, "f_ann_date": 20230428, "n_income_attr_p": 3e7})
    told = told.assign(n_cashflow_act=4e7, revenue=5e8, oper_cost=3e8)
    told.to_csv(base / "statements.csv", index=False)
    expected = pd.DataFrame({"report_date": 20231120, "ts_code": STOCKS, "year": 2024, "np": 5e3})
    expected.to_csv(base / "forecasts.csv", index=False)
    st = pd.DataFrame({"ts_code": STOCKS[:2], "name": ["*ST", "new"], "start_date": 20240103, "end_date": 20240104})
    st.to_csv(base / "st.csv", index=False)
    index = pd.DataFrame(
        {"ts_code": "000300.SH", "trade_date": DAYS.strftime("%Y%m%d"), "open": 3000.0, "high": 3010.0}
    )
    index.assign(low=2990.0, close=3005.0).to_csv(base / "index_daily.csv", index=False)
    weights = pd.DataFrame({"index_code": "000300.SH", "con_code": STOCKS[:4], "trade_date": 20240104, "weight": 25.0})
    weights.to_csv(base / "index_weight.csv", index=False)
    stamps = [*pd.date_range("2024-01-03 09:31", "2024-01-03 11:30", freq="min")]
    stamps += [*pd.date_range("2024-01-03 13:01", "2024-01-03 15:00", freq="min")]
    bars = pd.DataFrame(
        {"ts_code": STOCKS[0], "trade_time": stamps, "open": 10.0, "high": 10.1, "low": 9.9, "close": 10.0}
    )
    bars.assign(vol=500_000 / 240, amount=5_000_000 / 240).to_csv(base / "minutes" / "20240103.csv", index=False)
    return base


def test_the_example_reads_what_it_describes(folder):
    market = open_market(example(folder))
    assert list(market.symbols) == STOCKS
    assert market.dense("volume")[0, 0] == 500_000.0
    assert market.dense("adj_factor")[0, 0] == 1.5
    assert market.table("caps")["cap"].iloc[0] == 5e8
    assert market.table("financials")["cost"].tolist() == [3e8] * 6
    assert market.table("consensus")["net_profit"].tolist() == [5e7] * 6
    assert market.table("st")["out_date"].tolist() == [pd.Timestamp("2024-01-05")]
    assert market.bars(np.datetime64("2024-01-03")).close.shape == (1, 240)
    assert market.pools == ("industry", "theme")
    assert market.pool("industry").index_prices["code"].unique().tolist() == ["801780"]
    assert market.pool("theme").members["weight"].tolist() == [0.25] * 4
    assert check_market(market) == []
    assert check_pool(market, "theme") == []


def test_the_blocks_of_the_guide_are_accepted(tmp_path):
    text = (CONF.parents[1] / "docs" / "own-data.md").read_text()
    blocks = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) == 5
    config = {"kind": "files", "folder": str(tmp_path)}
    for block in blocks:
        config |= yaml.safe_load(block)
    ticks = [f"sz/20240102/{name}.parquet" for name in ("trades", "orders")]
    for path in ("daily/a.csv", "minutes/20240102.parquet", "w.csv", "index_daily.csv", *ticks):
        (tmp_path / path).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / path).write_text("")
    market = open_market(config)
    assert market.pools == ("industry", "theme")
    assert market.bar_minutes == 1
    assert [str(day) for day in market._ticks.sessions] == ["2024-01-02"]


def test_every_wrong_unit_in_the_example_is_found(folder):
    for table, kind, word in (
        ("stock_prices", "volume", "shares"),
        ("stock_prices", "amount", "cny"),
        ("stock_prices", "price", "cents"),
        ("caps", "cap", "cny"),
        ("financials", "amount", "ten_thousand_cny"),
        ("consensus", "amount", "cny"),
    ):
        config = example(folder)
        config["tables"][table]["units"][kind] = word
        with pytest.raises(FusionFactorError, match=r"must be near 1|plausible is"):
            check_market(open_market(config))
    config = example(folder)
    config["bars"]["units"]["volume"] = "lots"
    with pytest.raises(FusionFactorError, match="volume is about 100 times the daily one"):
        check_market(open_market(config))
