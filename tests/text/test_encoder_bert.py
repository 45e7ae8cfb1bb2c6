"""The BERT encoder on a tiny random model: pooling and segments by hand, batches, what is damaged, no network."""

import pickle
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.text.encoder_settings import EncoderSettings
from fusion_factor.text.encoding import encode

pytest.importorskip("transformers", reason="needs the extra text (transformers)")

TEXTS = [
    "业绩大幅超预期",
    "下调评级,低于预期",
    "",
    "今天天气很好",
    "abc \ud800 EPS 12%",
    "增长" * 90,
    "净利润增长" * 11,
]


def settings(folder: Path, **more: object) -> EncoderSettings:
    return EncoderSettings(kind="bert", folder=str(folder), device="cpu", threads=1, **more)  # type: ignore[arg-type]


def by_hand(folder: Path, text: str, pooling: str, pieces: list[slice]) -> np.ndarray:
    """One text alone, through the library itself; the mean over the given pieces of its tokens."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    model = AutoModel.from_pretrained(str(folder), local_files_only=True).eval()
    tokens = tokenizer(text.replace("\ud800", "?"), add_special_tokens=False)["input_ids"]
    found = []
    for piece in pieces:
        ids = [tokenizer.cls_token_id, *tokens[piece], tokenizer.sep_token_id]
        with torch.no_grad():
            hidden = model(input_ids=torch.tensor([ids])).last_hidden_state[0].numpy()
        found.append(hidden[0] if pooling == "cls" else hidden.mean(axis=0))
    return np.mean(found, axis=0)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_vectors_equal_one_text_at_a_time(tiny_bert: Path, pooling: str) -> None:
    """Whatever stands beside a text and however large the batch: within 1e-4."""
    expected = np.stack([by_hand(tiny_bert, text, pooling, [slice(0, 62)]) for text in TEXTS])
    for batch_tokens in (8, 100, 4096):
        found = encode(TEXTS, settings(tiny_bert, pooling=pooling, batch_tokens=batch_tokens), progress=False)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
    assert np.abs(expected[0] - expected[1]).max() > 0.1, "the model tells texts apart"


def test_segments_are_pieces_of_equal_length_and_their_mean(tiny_bert: Path) -> None:
    options = {"long_texts": "segments", "max_tokens": 32, "batch_tokens": 100}
    found = encode(TEXTS, settings(tiny_bert, **options), progress=False)
    # 55 tokens in pieces of at most 30 are 27 and 28; 180 tokens are six of 30; with at most 2 segments the first 60.
    np.testing.assert_allclose(found[6], by_hand(tiny_bert, TEXTS[6], "mean", [slice(0, 27), slice(27, 55)]), atol=1e-4)
    six = [slice(30 * k, 30 * k + 30) for k in range(6)]
    np.testing.assert_allclose(found[5], by_hand(tiny_bert, TEXTS[5], "mean", six), atol=1e-4)
    two = encode(TEXTS[5:6], settings(tiny_bert, max_segments=2, **options), progress=False)[0]
    np.testing.assert_allclose(two, by_hand(tiny_bert, TEXTS[5], "mean", six[:2]), atol=1e-4)


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_half_precision_does_not_depend_on_the_batch_either(tiny_bert: Path, precision: str) -> None:
    options = settings(tiny_bert, precision=precision, batch_tokens=256)
    among = encode([*TEXTS, *(text + "好" for text in TEXTS)], options, progress=False)
    alone = np.concatenate([encode([text], options, progress=False) for text in TEXTS])
    np.testing.assert_allclose(among[: len(TEXTS)], alone, rtol=0, atol=1e-4)
    full = encode(TEXTS, settings(tiny_bert), progress=False)
    assert 0 < np.abs(full - alone).max() < (0.02 if precision == "float16" else 0.2)


def test_second_run_encodes_only_what_is_new_and_gives_the_same(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fusion_factor.text.bert import BertEncoder

    encoded: list[int] = []
    original = BertEncoder.encode

    def counted(self: BertEncoder, token_lists: list[list[int]]) -> np.ndarray:
        encoded.append(len(token_lists))
        return original(self, token_lists)

    monkeypatch.setattr(BertEncoder, "encode", counted)
    options = settings(tiny_bert)
    first = encode([*TEXTS[:4], TEXTS[0]], options, tmp_path, progress=False)
    second = encode([*TEXTS, *TEXTS], options, tmp_path, progress=False)
    third = encode(TEXTS, options, tmp_path, progress=False)
    assert encoded == [4, 3]
    np.testing.assert_array_equal(first, second[[0, 1, 2, 3, 0]])
    np.testing.assert_array_equal(second, np.concatenate([third, third]))
    np.testing.assert_allclose(third, encode(TEXTS, options, progress=False), atol=1e-4)
    encode(TEXTS[:2], settings(tiny_bert, pooling="cls"), tmp_path, progress=False)
    assert encoded[3:] == [2], "another pooling is another store (the run without a cache came before)"


def test_another_content_of_the_folder_is_another_encoder(tiny_bert: Path, tmp_path: Path) -> None:
    from fusion_factor.text.bert import BertSource

    copy = shutil.copytree(tiny_bert, tmp_path / "elsewhere")
    assert BertSource.of(settings(copy)).name() == BertSource.of(settings(tiny_bert)).name()
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\x00\x00\x80\x3f")
    assert BertSource.of(settings(copy)).name() != BertSource.of(settings(tiny_bert)).name()


def test_weights_in_a_bin_file_are_read_as_plain_tensors_only(tiny_bert: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    folder = shutil.copytree(tiny_bert, tmp_path / "bin")
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    expected = encode(TEXTS, settings(tiny_bert), progress=False)
    np.testing.assert_array_equal(encode(TEXTS, settings(folder), progress=False), expected)

    class Trap:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "sprung",))

    torch.save(weights | {"trap": Trap()}, folder / "pytorch_model.bin", pickle_module=pickle)
    with pytest.raises(DataError, match="not a readable BERT folder"):
        encode(TEXTS, settings(folder), progress=False)
    assert not (tmp_path / "sprung").exists()


def damage(folder: Path, what: str) -> None:
    weights = folder / "model.safetensors"
    if what == "cut":
        weights.write_bytes(weights.read_bytes()[:-1000])
    elif what == "no weights":
        weights.unlink()
    elif what == "config":
        (folder / "config.json").write_text("{")
    elif what == "tokenizer":
        (folder / "tokenizer.json").write_text("[]")
    elif what == "lacking":
        from safetensors.torch import load_file, save_file

        tensors = load_file(weights)
        save_file({name: each for name, each in tensors.items() if "layer.1.output" not in name}, weights)
    elif what == "own code":
        (folder / "config.json").write_text('{"model_type": "own", "auto_map": {"AutoModel": "own.Own"}}')
        (folder / "own.py").write_text("raise SystemExit('own code was run')")


@pytest.mark.parametrize("what", ["cut", "no weights", "config", "tokenizer", "lacking", "own code"])
def test_a_damaged_folder_is_refused_in_one_line(tiny_bert: Path, tmp_path: Path, what: str) -> None:
    folder = shutil.copytree(tiny_bert, tmp_path / "damaged")
    damage(folder, what)
    with pytest.raises(DataError, match=r"damaged: (not a readable BERT folder|the weights lack)") as caught:
        encode(TEXTS, settings(folder), tmp_path / "cache", progress=False)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "cache").exists()


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must be a Hugging Face model folder"):
        encode(TEXTS, settings(tmp_path / "nowhere"), progress=False)
    with pytest.raises(ConfigError, match="folder is empty"):
        EncoderSettings(kind="bert")


def test_nothing_asks_for_a_network(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    assert encode(TEXTS[:1], settings(tiny_bert), progress=False).shape == (1, 32)
    assert encode([], settings(tiny_bert), progress=False).shape == (0, 32)
