"""Symbol styles: each known spelling becomes 600519.SH, everything else is refused, nothing is guessed."""

import pytest

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.market.symbols import board_of, check_one_style, style_of, translate


@pytest.mark.parametrize(
    ("style", "given", "expected"),
    [
        ("suffix", ["600519.SH", "000001.sz", "430047.BJ"], ["600519.SH", "000001.SZ", "430047.BJ"]),
        ("prefix", ["SH600519", "sz000001", "BJ920002"], ["600519.SH", "000001.SZ", "920002.BJ"]),
        ("dotted_prefix", ["sh.600519", "sz.000001"], ["600519.SH", "000001.SZ"]),
        ("mic", ["600519.XSHG", "000001.XSHE", "430047.BJSE"], ["600519.SH", "000001.SZ", "430047.BJ"]),
        ("yahoo", ["600519.SS", "000001.SZ"], ["600519.SH", "000001.SZ"]),
        ("as_is", ["AAPL", "BRK.B"], ["AAPL", "BRK.B"]),
    ],
)
def test_each_style_becomes_ours(style, given, expected):
    assert translate(given, style, table="t") == expected


def test_bare_codes_take_the_exchange_that_is_given():
    assert translate(["000001", "000001"], "bare", table="t", exchanges=["SZ", "SSE"]) == ["000001.SZ", "000001.SH"]


def test_bare_codes_without_an_exchange_are_refused_not_guessed():
    with pytest.raises(ConfigError, match="style bare need `exchange`"):
        translate(["600519"], "bare", table="t")


def test_unknown_exchange_is_named():
    with pytest.raises(DataError, match="exchange 'NYSE': unknown"):
        translate(["600519"], "bare", table="t", exchanges=["NYSE"])


def test_920_belongs_to_beijing():
    assert translate(["920002"], "bare", table="t", exchanges=["BSE"]) == ["920002.BJ"]
    with pytest.raises(DataError, match="920xxx belongs to BJ, not to SH"):
        translate(["920002.SH"], "suffix", table="t")


def test_a_second_style_in_one_table_is_named_with_the_style_it_looks_like():
    with pytest.raises(DataError, match=r"'SH600519' is not of the declared style suffix; it looks like style prefix"):
        translate(["000001.SZ", "SH600519"], "suffix", table="t")


@pytest.mark.parametrize("symbol", ["60051.SH", "600519.HK", "6005199.SH", "600519", "foo"])
def test_text_that_is_no_symbol_of_the_style_is_refused(symbol):
    with pytest.raises(DataError, match="not of the declared style suffix"):
        translate([symbol], "suffix", table="t")


def test_empty_symbol_and_unknown_style():
    with pytest.raises(DataError, match="empty symbol"):
        translate([" "], "suffix", table="t")
    with pytest.raises(ConfigError, match="symbol style 'wind' is unknown"):
        translate(["600519.SH"], "wind", table="t")


def test_one_style_is_asked_of_a_universe():
    check_one_style(["600519.SH", "000001.SZ"], "stock_prices")
    with pytest.raises(DataError, match=r"2 styles: SH600519 \(prefix\), 600519.SH \(suffix\); must be one"):
        check_one_style(["600519.SH", "SH600519"], "stock_prices")


def test_style_of_knows_the_spellings():
    assert [style_of(s) for s in ("600519.SH", "sh600519", "sh.600519", "600519.XSHG", "600519", "AAPL")] == [
        "suffix", "prefix", "dotted_prefix", "mic", "bare", "as_is",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("symbol", "board"),
    [
        ("600519.SH", "main"),
        ("688981.SH", "star"),
        ("689009.SH", "star"),
        ("300750.SZ", "chinext"),
        ("301001.SZ", "chinext"),
        ("000001.SZ", "main"),
        ("920002.BJ", "bse"),
        ("300750.SH", "main"),  # the exchange decides before the digits do
    ],
)
def test_boards_follow_from_code_and_exchange(symbol, board):
    assert board_of(symbol) == board


def test_board_of_other_markets_must_be_given():
    with pytest.raises(DataError, match="'AAPL': no A-share code"):
        board_of("AAPL")
