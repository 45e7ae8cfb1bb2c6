"""Deliveries into a store: the same market as the files, day by day as at once, twice as once, killed as not begun."""

import dataclasses
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from vendor import DAYS, SYMBOLS, bar_rows, daily_rows, vendor, write_vendor

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.market import StoredMarket, open_market
from fusion_factor.market.bar_store import read_bars, write_session
from fusion_factor.market.ingest import IngestSettings, ingest
from fusion_factor.market.store_versions import locked

BAR_FIELDS = ("open", "high", "low", "close", "volume", "amount")


def assert_same_bars(one, other):
    assert list(one.symbols) == list(other.symbols)
    for name in BAR_FIELDS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def assert_same_market(one, other):
    np.testing.assert_array_equal(one.sessions, other.sessions)
    assert list(one.symbols) == list(other.symbols)
    for name in ("stock_prices", "stocks", "st"):
        pd.testing.assert_frame_equal(one.table(name), other.table(name), check_like=True)
    np.testing.assert_array_equal(one.bar_sessions, other.bar_sessions)
    for day in one.bar_sessions:
        assert_same_bars(one.bars(day), other.bars(day))
    assert one.pools == other.pools
    assert (one.pool("theme").note, one.pool("theme").names) == (other.pool("theme").note, other.pool("theme").names)
    for name in ("index_prices", "members"):
        pd.testing.assert_frame_equal(
            getattr(one.pool("theme"), name), getattr(other.pool("theme"), name), check_like=True
        )
    assert (one.hours, one.bar_minutes) == (other.hours, other.bar_minutes)


def files_of(folder):
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}


def test_a_store_is_the_same_market_as_its_delivery(tmp_path):
    market = vendor(write_vendor(tmp_path / "vendor"))
    done = ingest(market, tmp_path / "store")
    store = open_market({"kind": "store", "folder": tmp_path / "store"})
    assert (done.version, done.changed, done.sessions) == (1, True, 5)
    assert done.fingerprint == store.fingerprint()
    assert_same_market(store, market)


def test_the_same_delivery_again_changes_nothing(tmp_path):
    market = vendor(write_vendor(tmp_path / "vendor"))
    first = ingest(market, tmp_path / "store")
    before = files_of(tmp_path / "store"), (tmp_path / "store" / "market.json").read_bytes()
    again = ingest(vendor(tmp_path / "vendor"), tmp_path / "store")
    assert (again.version, again.changed, again.parts) == (1, False, ())
    assert again.fingerprint == first.fingerprint
    assert (set(files_of(tmp_path / "store")), (tmp_path / "store" / "market.json").read_bytes()) == (
        set(before[0]), before[1],
    )  # fmt: skip


def test_day_by_day_is_the_same_store_as_at_once(tmp_path):
    for k, day in enumerate(DAYS):
        folder = write_vendor(tmp_path / f"vendor{k}", [day])
        done = ingest(vendor(folder), tmp_path / "days")
        assert done.version == k + 1
    once = ingest(vendor(write_vendor(tmp_path / "vendor")), tmp_path / "once")
    assert done.fingerprint == once.fingerprint
    assert_same_market(StoredMarket(tmp_path / "days"), vendor(tmp_path / "vendor"))


def test_a_correction_changes_its_parts_alone_and_an_open_reader_keeps_the_old_version(tmp_path):
    folder = write_vendor(tmp_path / "vendor")
    ingest(vendor(folder), tmp_path / "store")
    reader, day = StoredMarket(tmp_path / "store"), np.datetime64("2023-01-05")
    old = vendor(folder)
    daily_rows(DAYS[2], SYMBOLS, 1.0, seed=9).to_parquet(folder / "daily" / "2023-01-05.parquet")
    bar_rows(DAYS[2], SYMBOLS, seed=9).to_parquet(folder / "bars" / "2023-01-05.parquet")
    old_bars = StoredMarket(tmp_path / "store").bars(day)
    done = ingest(vendor(folder), tmp_path / "store")
    assert done.parts == ("bars/2023-01-05", "stock_prices")
    assert_same_market(StoredMarket(tmp_path / "store"), vendor(folder))
    assert_same_bars(reader.bars(day), old_bars)
    assert len(reader.table("stock_prices")) == 15
    assert not np.array_equal(old_bars.close, StoredMarket(tmp_path / "store").bars(day).close)
    assert old.bar_sessions.size == 5


def test_only_the_last_versions_keep_their_files(tmp_path):
    settings = IngestSettings(keep=1)
    folder = write_vendor(tmp_path / "vendor", DAYS[:2])
    ingest(vendor(folder), tmp_path / "store", settings)
    reader = StoredMarket(tmp_path / "store")
    ingest(vendor(write_vendor(folder)), tmp_path / "store", settings)
    named = set(json.loads((tmp_path / "store" / "market.json").read_text())["files"].values())
    assert set(files_of(tmp_path / "store")) == named
    with pytest.raises(DataError, match="moved on"):
        reader.table("stock_prices")


def test_a_new_base_of_the_factors_does_not_move_a_return(tmp_path):
    ingest(vendor(write_vendor(tmp_path / "a", DAYS[:3])), tmp_path / "store")
    rebased = vendor(write_vendor(tmp_path / "b", DAYS[2:], base=2.0))
    done = ingest(rebased, tmp_path / "store")
    assert any("3 symbols is on another base" in note for note in done.notes)
    store = StoredMarket(tmp_path / "store")
    adjusted = store.dense("close") * store.dense("adj_factor")
    whole = vendor(write_vendor(tmp_path / "c"))
    wanted = whole.dense("close") * whole.dense("adj_factor")
    np.testing.assert_allclose(adjusted[1:] / adjusted[:-1], wanted[1:] / wanted[:-1], rtol=1e-12)
    np.testing.assert_allclose(store.dense("adj_factor"), 2 * whole.dense("adj_factor"), rtol=1e-12)


def test_late_and_renamed_symbols_ends_of_spells_and_delistings(tmp_path):
    ingest(vendor(write_vendor(tmp_path / "a", DAYS[:3], SYMBOLS[:2])), tmp_path / "store")
    late = write_vendor(tmp_path / "b", DAYS[2:3], SYMBOLS[2:], st_until=DAYS[2])
    stocks = pd.read_parquet(late / "stocks.parquet")
    stocks.loc[0, "delist_date"] = DAYS[4]
    stocks.iloc[[0, 2]].to_parquet(late / "stocks.parquet")
    ingest(vendor(late), tmp_path / "store")
    store = StoredMarket(tmp_path / "store")
    assert_same_bars(
        store.bars(np.datetime64("2023-01-05")), vendor(write_vendor(tmp_path / "c")).bars(np.datetime64("2023-01-05"))
    )
    assert np.isfinite(store.dense("close")).sum(axis=0).tolist() == [3, 3, 1]
    assert store.table("st")["out_date"].tolist() == [DAYS[2]]
    dates = store.table("stocks").set_index("symbol")["delist_date"]
    assert dates["000001.SZ"] == DAYS[4]
    assert len(dates) == 3
    renames = IngestSettings(renames={"600001.SH": "600009.SH"})
    folder = write_vendor(tmp_path / "d", DAYS[3:4], SYMBOLS[:2])
    ingest(vendor(folder), tmp_path / "store", renames)
    assert list(StoredMarket(tmp_path / "store").symbols) == ["000001.SZ", "600000.SH", "600009.SH"]


def test_what_cannot_be_joined_is_refused_and_leaves_the_store(tmp_path):
    folder = write_vendor(tmp_path / "vendor", DAYS[:3])
    ingest(vendor(folder), tmp_path / "store")
    before = StoredMarket(tmp_path / "store").fingerprint()
    later = write_vendor(tmp_path / "later", DAYS[2:])
    index = pd.read_parquet(later / "index.parquet")
    index.assign(open=index["open"] * 7, close=index["close"] * 7).to_parquet(later / "index.parquet")
    with pytest.raises(DataError, match="pool theme: its closes"):
        ingest(vendor(later), tmp_path / "store")
    write_vendor(later, DAYS[2:])
    pd.read_parquet(later / "st.parquet").assign(symbol="600001.SH").to_parquet(later / "st.parquet")
    with pytest.raises(DataError, match=r"st: 1 of 1 spells .*max_lost"):
        ingest(vendor(later), tmp_path / "store")
    write_vendor(later, DAYS[2:])
    with pytest.raises(ConfigError, match="bars with the hours"):
        described = vendor(later).config
        ingest(vendor(later, bars={**described["bars"], "closing": "drop"}), tmp_path / "store")
    daily = daily_rows(DAYS[4], SYMBOLS, 1.0, seed=1)
    daily.assign(**{name: daily[name] * 100 for name in ("open", "high", "low", "close")}).to_parquet(
        later / "daily" / "2023-01-09.parquet"
    )
    with pytest.raises(DataError, match="stock_prices"):
        ingest(vendor(later), tmp_path / "store")
    assert StoredMarket(tmp_path / "store").fingerprint() == before


def test_a_folder_that_is_no_store_is_left_alone(tmp_path):
    market = vendor(write_vendor(tmp_path / "vendor"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"not empty \(there is notes\.txt\)"):
        ingest(market, tmp_path / "mine")
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "market.json").write_text('{"format": 1, "bar_minutes": null}')
    with pytest.raises(DataError, match="plain names"):
        ingest(market, plain)


def test_a_second_writer_is_refused(tmp_path):
    market = vendor(write_vendor(tmp_path / "vendor"))
    with locked(tmp_path / "store"), pytest.raises(DataError, match="another process is writing"):
        ingest(market, tmp_path / "store")
    assert ingest(market, tmp_path / "store").changed


class Killed(BaseException):
    """Stands for the end of the process: nothing of ours may catch it."""


def killed_at(monkeypatch, step):
    """The process ends before its `step`-th operation that changes the disk; the list of operations done."""
    done = []

    def counted(name, original):
        def call(*args, **kwargs):
            done.append(name)
            if len(done) == step:
                raise Killed
            return original(*args, **kwargs)

        return call

    for owner, names in (
        (Path, ("replace", "unlink", "mkdir", "open")),
        (os, ("fsync",)),
        (pq, ("write_table",)),
        (shutil, ("rmtree",)),
    ):
        for name in names:
            monkeypatch.setattr(owner, name, counted(name, getattr(owner, name)))
    return done


@pytest.mark.slow
def test_killed_anywhere_the_store_is_the_old_or_the_new_one(tmp_path):
    ingest(vendor(write_vendor(tmp_path / "a", DAYS[:2])), tmp_path / "old", IngestSettings(keep=1))
    delivery = write_vendor(tmp_path / "b", DAYS[2:3])
    old = StoredMarket(tmp_path / "old").fingerprint()
    shutil.copytree(tmp_path / "old", tmp_path / "new")
    new = ingest(vendor(delivery), tmp_path / "new", IngestSettings(keep=1)).fingerprint
    seen, step = set(), 0
    while True:
        step += 1
        store = tmp_path / f"store{step}"
        shutil.copytree(tmp_path / "old", store)
        market = vendor(delivery)
        with pytest.MonkeyPatch.context() as patch:
            operations = killed_at(patch, step)
            try:
                ingest(market, store, IngestSettings(keep=1))
                finished = True
            except Killed:
                finished = False
        found = StoredMarket(store)
        seen.add(found.fingerprint())
        assert found.fingerprint() in (old, new)
        assert np.isfinite(found.dense("close")).all()
        assert [found.bars(day).close.shape for day in found.bar_sessions]
        if step % 6 == 0 or finished:  # the same command again brings it to the end
            assert ingest(vendor(delivery), store, IngestSettings(keep=1)).fingerprint == new
            assert set(files_of(store)) == set(files_of(tmp_path / "new"))
        shutil.rmtree(store)
        if finished:
            break
    assert seen == {old, new}
    assert step > 20, operations


def test_a_damaged_file_is_found_before_use(tmp_path):
    ingest(vendor(write_vendor(tmp_path / "vendor")), tmp_path / "store")
    for path in sorted((tmp_path / "store").rglob("*.parquet")):
        content = path.read_bytes()
        for broken in (content[: len(content) // 2], content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]):
            path.write_bytes(broken)
            with pytest.raises(DataError, match="damaged"):
                read_everything(StoredMarket(tmp_path / "store"))
        path.write_bytes(content)
    read_everything(StoredMarket(tmp_path / "store"))


def read_everything(store):
    for name in ("stock_prices", "stocks", "st"):
        store.table(name)
    for day in store.bar_sessions:
        store.bars(day)
    store.pool("theme")


@pytest.mark.parametrize(
    "path", ["../x.0123456789abcdef.parquet", "/tmp/x.0123456789abcdef.parquet", "tables/x.parquet", 3]
)
def test_a_description_cannot_lead_out_of_the_folder(tmp_path, path):
    ingest(vendor(write_vendor(tmp_path / "vendor")), tmp_path / "store")
    description = json.loads((tmp_path / "store" / "market.json").read_text())
    description["files"]["stocks"] = path
    (tmp_path / "store" / "market.json").write_text(json.dumps(description))
    with pytest.raises(DataError, match=r"files\.stocks"):
        StoredMarket(tmp_path / "store")


def test_bars_that_are_no_whole_cents_or_shares_are_kept_to_the_bit(tmp_path):
    bars = vendor(write_vendor(tmp_path / "vendor")).bars(np.datetime64("2023-01-05"))
    odd = {name: getattr(bars, name) * np.float32(1.0370371) for name in ("open", "close", "volume")}
    odd["trades"] = np.full(bars.volume.shape, 7, np.float32)
    bars = dataclasses.replace(bars, **odd)
    write_session(tmp_path / "x.parquet", bars)
    again = read_bars(tmp_path, bars.session, 16, file=tmp_path / "x.parquet")
    assert_same_bars(again, bars)
    np.testing.assert_array_equal(again.trades, bars.trades)
    types = {field.name: str(field.type) for field in pq.read_schema(tmp_path / "x.parquet")}
    assert (types["close"], types["high"], types["volume"], types["trades"]) == ("float", "int32", "float", "int64")
