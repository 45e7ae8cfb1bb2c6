"""Trades and orders from files: forms of stamps, paths, codes of either exchange, sorting, and bad rows counted."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.market.level2 import BAD_KINDS, BUY, NO_TAKER, SELL, clock
from fusion_factor.market.level2_files import MappedTicks

DAY = np.datetime64("2024-01-02")
SAME = ("symbol", "datetime", "price", "volume", "side")
TRADES = {"path": "trades_{date}.parquet", "columns": {name: name for name in (*SAME, "buy_id", "sell_id")}}
ORDERS = {"path": "orders_{date}.parquet", "columns": {name: name for name in (*SAME, "id")}}


def trade_rows(**changes):
    rows = pd.DataFrame(
        {
            "symbol": ["600000.SH", "000001.SZ", "600000.SH", "600000.SH"],
            "datetime": pd.to_datetime(
                "2024-01-02 " + pd.Series(["09:31:00.120", "14:59:00", "09:25:00", "09:31:00.120"]), format="ISO8601"
            ),
            "price": [10.01, 5.0, 10.0, 10.02],
            "volume": [100, 200, 300, 400],
            "buy_id": [7, 1, 2, 9],
            "sell_id": [3, 2, 4, 5],
            "side": ["B", "S", "N", "B"],
        }
    )
    return rows.assign(**changes)


def order_rows(**changes):
    rows = pd.DataFrame(
        {
            "symbol": ["600000.SH"] * 3,
            "datetime": pd.to_datetime(
                "2024-01-02 " + pd.Series(["09:20:00", "09:30:01", "09:15:00"]), format="ISO8601"
            ),
            "price": [10.0, 10.02, 9.9],
            "volume": [300, 500, 100],
            "side": ["S", "B", "B"],
            "id": [4, 9, 2],
        }
    )
    return rows.assign(**changes)


def ticks_of(folder, trades, orders=None, given=None, **more):
    trades.to_parquet(folder / "trades_2024-01-02.parquet")
    described = {"trades": TRADES | (given or {}), **more}
    if orders is not None:
        orders.to_parquet(folder / "orders_20240102.parquet")
        described["orders"] = ORDERS
    return MappedTicks(described, folder)


def test_rows_become_flat_arrays_by_symbol_and_time(tmp_path):
    mapped = ticks_of(tmp_path, trade_rows(), order_rows())
    assert mapped.sessions.tolist() == [DAY.astype(object)]
    ticks = mapped.session_ticks(DAY)
    assert ticks.symbols.tolist() == ["000001.SZ", "600000.SH"]
    assert ticks.trade_first.tolist() == [0, 1, 4]
    trades = ticks.trades_of(1)
    assert trades.time.tolist() == [clock(9, 25), clock(9, 31) + 120, clock(9, 31) + 120]
    assert trades.cents.tolist() == [1000, 1001, 1002]  # equal stamps keep the order of the file
    assert trades.volume.tolist() == [300, 100, 400]
    assert trades.buy.tolist() == [2, 7, 9]
    assert trades.side.tolist() == [NO_TAKER, BUY, BUY]
    assert [column.dtype for column in trades] == [np.int32, np.int32, np.int64, np.int64, np.int64, np.int8]
    orders = ticks.orders_of(1)
    assert orders.time.tolist() == [clock(9, 15), clock(9, 20), clock(9, 30, 1)]
    assert orders.id.tolist() == [2, 4, 9]
    assert orders.side.tolist() == [BUY, SELL, BUY]
    assert len(ticks.orders_of(0).time) == 0
    assert ticks.resting_only.tolist() == [False, True]
    assert ticks.bad.counts.sum() == 0
    assert ticks.bad.rows.tolist() == [1, 6]


def test_a_sequence_breaks_ties(tmp_path):
    columns = TRADES["columns"] | {"sequence": "seq"}
    mapped = ticks_of(tmp_path, trade_rows(seq=[9, 1, 2, 3]), given={"columns": columns})
    assert mapped.session_ticks(DAY).trades_of(1).cents.tolist() == [1000, 1002, 1001]


@pytest.mark.parametrize(
    "stamps",
    [
        [20240102093100120, 20240102145900000, 20240102092500000, 20240102093100120],
        pa.array([93100120, 145900000, 92500000, 93100120], pa.int32()),
        ["09:31:00.12", "14:59:00", "9:25:00.000", "09:31:00.120"],
        pa.array([34260120000, 53940000000, 33900000000, 34260120000], pa.time64("us")),
    ],
)
def test_stamps_in_other_forms(tmp_path, stamps):
    name = "datetime" if isinstance(stamps, list) and isinstance(stamps[0], int) else "time"
    rows = trade_rows().drop(columns="datetime")
    table = pa.Table.from_pandas(rows).append_column("when", pa.array(stamps))
    pq.write_table(table, tmp_path / "trades_2024-01-02.parquet")
    columns = {k: v for k, v in TRADES["columns"].items() if k != "datetime"} | {name: "when"}
    ticks = MappedTicks({"trades": TRADES | {"columns": columns}}, tmp_path).session_ticks(DAY)
    assert ticks.trades.time.tolist() == [
        clock(14, 59), clock(9, 25), clock(9, 31) + 120, clock(9, 31) + 120
    ]  # fmt: skip
    assert ticks.bad.counts.sum() == 0


def test_shenzhen_trades_carry_cancels_and_no_side(tmp_path):
    """Kind F trades, 4 cancels; the later order of a trade took; an auction has no taker; prices come in cents."""
    rows = pd.DataFrame(
        {
            "code": ["000001"] * 5,
            "time": [92500000, 93000010, 93000020, 93000030, 150000000],
            "px": [1000, 1001, 0, 999, 1000],
            "qty": [100, 200, 700, 300, 100],
            "bid_id": [5, 11, 8, 10, 70],
            "ask_id": [6, 9, 0, 12, 60],
            "exec": ["F", "F", "4", "F", "F"],
        }
    )
    rows.to_parquet(tmp_path / "trades_2024-01-02.parquet")
    columns = {"symbol": "code", "time": "time", "price": "px", "volume": "qty"}
    given = {
        "path": "trades_{date}.parquet",
        "columns": columns | {"buy_id": "bid_id", "sell_id": "ask_id", "kind": "exec"},
        "kinds": {"trade": ["F"], "cancel": ["4"]},
        "units": {"price": "cents"},
        "symbols": "bare",
        "exchange": "SZ",
    }
    ticks = MappedTicks({"trades": given}, tmp_path).session_ticks(DAY)
    assert ticks.symbols.tolist() == ["000001.SZ"]
    assert ticks.trades.side.tolist() == [NO_TAKER, BUY, SELL, NO_TAKER]
    assert ticks.trades.cents.tolist() == [1000, 1001, 999, 1000]
    assert ticks.bad.counts.sum() == 0
    # without a column of kinds a cancel shows in its price and its single id
    del given["columns"]["kind"], given["kinds"]
    again = MappedTicks({"trades": given}, tmp_path).session_ticks(DAY)
    assert again.trades.cents.tolist() == [1000, 1001, 999, 1000]


def test_order_kinds(tmp_path):
    """Deletions go; a market order has no price, whatever stands there; numbers may be codes."""
    orders = order_rows(kind=[2, 1, 3], side=[2, 1, 1])
    orders.to_parquet(tmp_path / "orders_2024-01-02.parquet")
    trade_rows().to_parquet(tmp_path / "trades_2024-01-02.parquet")
    given = ORDERS | {"columns": ORDERS["columns"] | {"kind": "kind"}}
    given |= {"kinds": {"limit": [2], "market": [1], "delete": [3]}, "sides": {"buy": [1], "sell": [2]}}
    ticks = MappedTicks({"trades": TRADES, "orders": given, "resting_only": []}, tmp_path).session_ticks(DAY)
    assert ticks.orders.cents.tolist() == [1000, 0]
    assert ticks.orders.side.tolist() == [SELL, BUY]
    assert not ticks.resting_only.any()


def test_a_folder_a_session_with_a_file_a_symbol(tmp_path):
    rows = trade_rows()
    for symbol, part in rows.groupby("symbol"):
        folder = tmp_path / "20240102" / "trades"
        folder.mkdir(parents=True, exist_ok=True)
        part.drop(columns="symbol").to_parquet(folder / f"{symbol}.parquet")
    columns = {k: v for k, v in TRADES["columns"].items() if k != "symbol"}
    given = {"path": "{date}/trades/{symbol}.parquet", "columns": columns}
    split = MappedTicks({"trades": given}, tmp_path).session_ticks(DAY)
    whole = ticks_of(tmp_path, rows).session_ticks(DAY)
    assert split.symbols.tolist() == whole.symbols.tolist()
    assert all(np.array_equal(a, b) for a, b in zip(split.trades, whole.trades, strict=True))


def test_one_file_of_many_sessions_is_read_by_row_groups(tmp_path, monkeypatch):
    days = ["2024-01-02", "2024-01-03", "2024-01-04"]
    parts = [trade_rows(datetime=trade_rows()["datetime"] + pd.Timedelta(days=k)) for k in range(3)]
    table = pa.Table.from_pandas(pd.concat(parts), preserve_index=False)
    pq.write_table(table, tmp_path / "all.parquet", row_group_size=4)
    mapped = MappedTicks({"trades": TRADES | {"path": "all.parquet"}}, tmp_path)
    assert mapped.sessions.astype(str).tolist() == days
    read, real = [], pq.ParquetFile.read_row_group
    monkeypatch.setattr(
        pq.ParquetFile, "read_row_group", lambda self, g, **k: read.append((g, k["columns"])) or real(self, g, **k)
    )
    ticks = mapped.session_ticks(np.datetime64(days[1]))
    assert [g for g, _ in read] == [1]
    assert set(read[0][1]) == set(TRADES["columns"])  # only what is mapped
    assert len(ticks.trades.time) == 4
    assert mapped.fingerprint(np.datetime64(days[1])) is None
    with pytest.raises(DataError, match=r"none on 2024-01-05"):
        mapped.session_ticks(np.datetime64("2024-01-05"))


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        (
            {"datetime": ["2024-01-02 09:31", "2024-01-02 12:10", "2024-01-02 09:25", "2024-01-02 09:31"]},
            "outside_session",
        ),
        (
            {"datetime": ["2024-01-02 09:31", "2024-01-03 14:59", "2024-01-02 09:25", "2024-01-02 09:31"]},
            "other_session",
        ),
        ({"volume": [100, -200, 300, 400]}, "not_positive"),
        ({"price": [10.0, np.nan, 10.0, 10.0]}, "not_positive"),
        ({"side": ["B", "X", "N", "B"]}, "unknown_side"),
        ({"sell_id": [3, 0, 4, 5]}, "missing_id"),
        ({"sell_id": [3, 1, 4, 5]}, "repeated_id"),
    ],
)
def test_a_bad_trade_is_counted_under_its_symbol_and_left_out(tmp_path, changes, kind):
    """The second row, of 000001.SZ, is bad, the rest good."""
    if "datetime" in changes:
        changes = {"datetime": pd.to_datetime(pd.Series(changes["datetime"]))}
    ticks = ticks_of(tmp_path, trade_rows(**changes)).session_ticks(DAY)
    expected = np.zeros((2, len(BAD_KINDS)), int)
    expected[0, BAD_KINDS.index(kind)] = 1
    assert ticks.bad.counts.tolist() == expected.tolist()
    assert ticks.trade_first.tolist() == [0, 0, 3]
    assert ticks.bad.share.tolist() == [1.0, 0.0]


def test_amounts_are_checked_where_they_are_mapped(tmp_path):
    given = {"columns": TRADES["columns"] | {"amount": "amount"}}
    rows = trade_rows(amount=[1001.0, 1000.0, 3000.0, 9999.0])
    bad = ticks_of(tmp_path, rows, given=given).session_ticks(DAY).bad
    assert bad.counts[:, BAD_KINDS.index("amount")].tolist() == [0, 1]
    loose = ticks_of(tmp_path, rows, given=given, amount_tolerance=2.0).session_ticks(DAY).bad
    assert loose.counts.sum() == 0


def test_an_order_id_that_comes_twice_is_counted_once(tmp_path):
    ticks = ticks_of(tmp_path, trade_rows(), order_rows(id=[4, 9, 4])).session_ticks(DAY)
    assert ticks.bad.counts[1, BAD_KINDS.index("repeated_id")] == 1
    # the earlier row of the file stays; ids of another symbol are other orders
    assert ticks.orders.id.tolist() == [4, 9]
    other = order_rows(id=[4, 9, 4], symbol=["600000.SH", "600000.SH", "000001.SZ"])
    assert ticks_of(tmp_path, trade_rows(), other).session_ticks(DAY).bad.counts.sum() == 0


def test_after_hours_trades_are_no_part_of_the_session_and_not_bad(tmp_path):
    rows = trade_rows()
    rows.loc[1, "datetime"] = pd.Timestamp("2024-01-02 15:20")
    ticks = ticks_of(tmp_path, rows).session_ticks(DAY)
    assert ticks.trade_first.tolist()[-1] == 3
    assert ticks.bad.counts.sum() == 0


def test_a_session_is_known_by_its_own_files(tmp_path):
    mapped = ticks_of(tmp_path, trade_rows(), order_rows())
    trade_rows().to_parquet(tmp_path / "trades_2024-01-03.parquet")
    first = MappedTicks({"trades": TRADES, "orders": ORDERS}, tmp_path).fingerprint(DAY)
    assert first == mapped.fingerprint(DAY)
    order_rows(volume=[300, 500, 200]).to_parquet(tmp_path / "orders_20240102.parquet")
    assert mapped.fingerprint(DAY) != first


@pytest.mark.parametrize(
    ("trades", "words"),
    [
        ({"columns": {"symbol": "symbol"}}, "column price is not mapped"),
        ({"columns": {**TRADES["columns"], "odd": "x"}}, "unknown key 'odd'"),
        ({"columns": {**TRADES["columns"], "kind": "k"}}, "`kinds` and the column `kind` need one another"),
        ({"sides": {"buy": ["B"], "sell": ["B"]}}, "stands for two things"),
        ({"sides": {"both": ["B"]}}, "unknown key 'both'"),
        ({"columns": {k: v for k, v in TRADES["columns"].items() if k != "symbol"}}, r"put \{symbol\} into the path"),
        ({"columns": {k: v for k, v in TRADES["columns"].items() if k != "datetime"}}, "map `datetime`"),
        ({"columns": {**TRADES["columns"], "price": {"column": "price", "shift_days": 1}}}, "only a name"),
        ({"units": {"price": "dollars"}}, "units.price"),
    ],
)
def test_a_description_that_cannot_be_is_refused_at_once(tmp_path, trades, words):
    trade_rows().to_parquet(tmp_path / "trades_2024-01-02.parquet")
    with pytest.raises(ConfigError, match=words):
        MappedTicks({"trades": {**TRADES, **trades}}, tmp_path)


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(DataError, match=r"ticks\.trades: no file at"):
        MappedTicks({"trades": TRADES}, tmp_path)
    trade_rows().drop(columns="side").to_parquet(tmp_path / "trades_2024-01-02.parquet")
    with pytest.raises(DataError, match=r"file trades_2024-01-02\.parquet has no column 'side'"):
        MappedTicks({"trades": TRADES}, tmp_path).session_ticks(DAY)
    Path(tmp_path / "trades_2024-01-02.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match=r"file trades_2024-01-02\.parquet"):
        MappedTicks({"trades": TRADES}, tmp_path).session_ticks(DAY)
    (tmp_path / "t.csv").write_text("a,b\n")
    with pytest.raises(DataError, match="from Parquet only"):
        MappedTicks({"trades": TRADES | {"path": "*.csv"}}, tmp_path)


def test_the_mappings_of_the_docs_can_be_read(tmp_path):
    """Both examples of docs/own-data.md, on files with the columns they name."""
    text = (Path(__file__).parents[2] / "docs" / "own-data.md").read_text(encoding="utf-8")
    blocks = [part.split("```")[0] for part in text.split("```yaml\n") if part.startswith("ticks:")]
    blocks = [part.split("```")[0] for part in text.split("```yaml\n") if part.startswith("ticks:")]
    shanghai, shenzhen = (yaml.safe_load(block)["ticks"] for block in blocks)
    (tmp_path / "l2_sample").mkdir()
    stamps = pd.to_datetime(pd.Series(["2024-01-02 09:31:00", "2024-01-02 09:32:00"])).astype("datetime64[ms]")
    same = pd.DataFrame(
        {"symbol": "600000.SH", "datetime": stamps, "price_fen": [1000, 1001], "volume": 100, "seq": [1, 2]}
    )
    same.assign(buy_no=[5, 6], sell_no=[3, 9], side=["B", "N"]).to_parquet(tmp_path / "l2_sample" / "trades.parquet")
    same.assign(order_no=[3, 4], side="S", type=["A", "D"]).to_parquet(tmp_path / "l2_sample" / "orders.parquet")
    ticks = MappedTicks(shanghai, tmp_path).session_ticks(DAY)
    assert (ticks.trade_first.tolist(), ticks.order_first.tolist(), ticks.bad.counts.sum()) == ([0, 2], [0, 1], 0)
    folder = tmp_path / "sz" / "20240102"
    folder.mkdir(parents=True)
    same = pd.DataFrame({"code": "000001", "time": [93100000, 93200000], "px": [10.0, 0.0], "qty": [100, 200]})
    same.assign(bid_seq=[5, 6], ask_seq=[3, 0], exec_type=["F", "4"]).to_parquet(folder / "trades.parquet")
    same.assign(seq=[3, 4], bs=["2", "1"], ord_type=["2", "U"]).to_parquet(folder / "orders.parquet")
    ticks = MappedTicks(shenzhen, tmp_path).session_ticks(DAY)
    assert (ticks.trade_first.tolist(), ticks.order_first.tolist(), ticks.bad.counts.sum()) == ([0, 1], [0, 2], 0)
    assert ticks.orders.cents.tolist() == [1000, 0]
