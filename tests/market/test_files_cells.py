"""Cells of vendor files: date formats, numbers, text, filters; the message names the bad cell."""

import datetime

import numpy as np
import pyarrow as pa
import pytest

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.market.cells import keep_rows, to_dates, to_numbers, to_text
from fusion_factor.market.mapping import Filter

DAY = datetime.date(2024, 2, 29)


def cells(values, kind=None):
    return pa.chunked_array([pa.array(values, kind)])


@pytest.mark.parametrize(
    ("values", "kind", "style"),
    [
        ([DAY, None], pa.date32(), "auto"),
        ([datetime.datetime(2024, 2, 29), None], pa.timestamp("ns"), "auto"),
        (["2024-02-29", ""], pa.string(), "auto"),
        (["2024-02-29 00:00:00", None], pa.string(), "auto"),
        (["2024-02-29", None], pa.string(), "iso"),
        (["20240229", None], pa.string(), "auto"),
        ([20240229, None], pa.int64(), "auto"),
        ([20240229.0, None], pa.float64(), "yyyymmdd"),
        (["29/02/2024", None], pa.string(), "%d/%m/%Y"),
    ],
)
def test_every_date_format_gives_the_day_and_empty_stays_empty(values, kind, style):
    days = to_dates(cells(values, kind), style, "t")
    assert days[0] == np.datetime64("2024-02-29")
    assert np.isnat(days[1])
    assert days.dtype == "datetime64[D]"


@pytest.mark.parametrize(
    ("values", "style", "message"),
    [
        ([20230229], "auto", "20230229 is no date YYYYMMDD"),
        ([20231301], "auto", "20231301 is no date"),
        ([20230100], "auto", "20230100 is no date"),
        ([1672531200], "auto", "1672531200 is no date"),
        (["2023-02-30"], "auto", "'2023-02-30' is no date"),
        (["01/02/2023"], "auto", "'01/02/2023' is no date of the format auto"),
        (["20230102"], "iso", "'20230102' is no date of the format iso"),
        ([20230102], "iso", "declared date format is iso"),
    ],
)
def test_dates_that_do_not_fit_are_named(values, style, message):
    with pytest.raises(DataError, match=message):
        to_dates(cells(values), style, "t")


def test_stamps_with_a_zone_are_refused_and_formats_are_known():
    with pytest.raises(DataError, match="time zone UTC"):
        to_dates(cells([datetime.datetime(2024, 1, 2)], pa.timestamp("us", "UTC")), "auto", "t")
    with pytest.raises(ConfigError, match="date format 'german'"):
        to_dates(cells(["1.2.2024"]), "german", "t")


def test_numbers_from_numbers_and_text():
    assert to_numbers(cells([1, None]), "t").tolist()[0] == 1.0
    assert np.isnan(to_numbers(cells([1.5, None]), "t")[1])
    found = to_numbers(cells(["1.25", "", None, " 2 "]), "t")
    assert found[[0, 3]].tolist() == [1.25, 2.0]
    assert np.isnan(found[1:3]).all()
    with pytest.raises(DataError, match="'12,5' in row 2 is not a number"):
        to_numbers(cells(["1", "12,5"]), "t")
    with pytest.raises(DataError, match="must be numbers"):
        to_numbers(cells([DAY]), "t")


def test_text_is_categorical_sorted_and_keeps_zeros():
    text = to_text(cells(["000002", " 000001 ", "", None]), "t")
    assert list(text.categories) == ["000001", "000002"]
    assert text.codes.tolist() == [1, 0, -1, -1]
    assert list(to_text(cells([7, 8]), "t").categories) == ["7", "8"]
    with pytest.raises(DataError, match="fractions, not text"):
        to_text(cells([1.0]), "t")


def test_text_of_several_chunks_and_unsigned_dictionaries():
    chunks = [pa.array(["b", None]).dictionary_encode(), pa.array(["a", "b"]).dictionary_encode()]
    text = to_text(pa.chunked_array(chunks), "t")
    assert list(text) == ["b", np.nan, "a", "b"] or text.codes.tolist() == [1, -1, 0, 1]
    unsigned = pa.DictionaryArray.from_arrays(pa.array([0, None], pa.uint32()), pa.array(["x"]))
    assert to_text(pa.chunked_array([unsigned]), "t").codes.tolist() == [0, -1]


@pytest.mark.parametrize(
    ("values", "test", "value", "kept"),
    [
        (["a", "b", None], "equals", "a", [1, 0, 0]),
        ([1, 0, None], "equals", 1, [1, 0, 0]),
        (["a", "b", "c"], "one_of", ["a", "c"], [1, 0, 1]),
        (["a", "b", None], "not_one_of", ["a"], [0, 1, 1]),
        (["history x", "snapshot", None], "starts_with", "history", [1, 0, 0]),
        (["2024-01-01", "2024-01-02", None], "from", "2024-01-02", [0, 1, 0]),
        ([20240101, 20240103, None], "until", "2024-01-02", [1, 0, 0]),
        ([1.0, 3.0, None], "from", 2, [0, 1, 0]),
        (["x", "", None], "not_empty", True, [1, 0, 0]),
        ([1.0, float("nan"), None], "not_empty", True, [1, 0, 0]),
    ],
)
def test_filters_keep_the_rows_that_pass(values, test, value, kept):
    assert keep_rows(cells(values), Filter("c", test, value), "auto", "t").astype(int).tolist() == kept


def test_a_bound_that_is_neither_number_nor_date_is_refused():
    with pytest.raises(ConfigError, match="neither a number nor a date"):
        keep_rows(cells(["2024-01-01"]), Filter("c", "from", "soon"), "auto", "t")
