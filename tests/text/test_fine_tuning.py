"""Tuning a tiny random BERT: what trains, the published arithmetic, and that the folder written is an encoder."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.text.encoder_settings import EncoderSettings
from fusion_factor.text.encoding import encode

transformers = pytest.importorskip("transformers", reason="needs the extra text (transformers)")

import torch  # noqa: E402

from fusion_factor.text.fine_tuning import BertClassifier, FineTuneSettings, fine_tune, rate_of  # noqa: E402

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, 120)
TEXTS = ["".join(RNG.permutation(list("业绩公司今天" + ("增长" if label else "下低")))) for label in LABELS]
QUICK = FineTuneSettings(
    bottleneck=8, learning_rate=0.01, epochs=8, warmup_epochs=1, last_learning_rate=0.001, dropout=0.1, valid_share=0.2,
    threads=1, device="cpu",
)  # fmt: skip


def settings(folder: Path) -> EncoderSettings:
    return EncoderSettings(kind="bert", folder=str(folder), pooling="cls", device="cpu", threads=1)


def test_adapters_of_the_published_model_hold_three_million_numbers() -> None:
    """METHOD item 144: 24 adapters of 99,136, LayerNorms 38,400, head 592,130."""
    with torch.device("meta"):
        network = BertClassifier(transformers.BertModel(transformers.BertConfig()), 2, FineTuneSettings())
    trained = {name: each.numel() for name, each in network.named_parameters() if each.requires_grad}
    assert sum(size for name, size in trained.items() if ".dropout.1." in name) == 24 * 99_136
    assert sum(size for name, size in trained.items() if "LayerNorm" in name) == 38_400
    assert sum(size for name, size in trained.items() if name.startswith("head")) == 592_130
    assert sum(trained.values()) == 24 * 99_136 + 38_400 + 592_130


def test_rate_rises_over_three_epochs_and_falls_to_the_last() -> None:
    rates = [rate_of(epoch, FineTuneSettings()) for epoch in range(10)]
    np.testing.assert_allclose(rates[:3], [0.5e-5, 1e-5, 1.5e-5])
    assert rates[9] == pytest.approx(1e-7)
    factors = np.divide(rates[3:], rates[2:9])
    np.testing.assert_allclose(factors, factors[0])


@pytest.mark.parametrize("way", ["adapters", "full"])
def test_tuning_learns_and_what_it_writes_encodes(tiny_bert: Path, tmp_path: Path, way: str) -> None:
    before = encode(TEXTS[:8], settings(tiny_bert), progress=False)
    options = replace(QUICK, way=way)
    history = fine_tune(tiny_bert, TEXTS, LABELS, options, tmp_path / way, last_day="2017-12-31", progress=False)
    assert len(history) == 8
    assert history[-1]["valid_accuracy"] > 0.9
    after = encode(TEXTS[:8], settings(tmp_path / way), progress=False)
    assert np.abs(after - before).max() > 0.05
    assert json.loads((tmp_path / way / "fine_tuning.json").read_text())["last_day"] == "2017-12-31"
    again = fine_tune(tiny_bert, TEXTS, LABELS, options, tmp_path / "again", progress=False)
    assert again == history
    np.testing.assert_array_equal(encode(TEXTS[:8], settings(tmp_path / "again"), progress=False), after)


def test_only_adapters_and_norms_move_and_new_adapters_change_nothing(tiny_bert: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    from fusion_factor.text.adapters import insert_adapters
    from fusion_factor.text.bert import load_folder

    _, model = load_folder(tiny_bert)
    ids = torch.tensor([[2, 7, 8, 3]])
    with torch.no_grad():
        plain = model.eval()(input_ids=ids).last_hidden_state
        assert insert_adapters(model, 8) == 4
        torch.testing.assert_close(model(input_ids=ids).last_hidden_state, plain, rtol=0, atol=0)
    fine_tune(tiny_bert, TEXTS, LABELS, QUICK, tmp_path / "out", progress=False)
    old, new = load_file(tiny_bert / "model.safetensors"), load_file(tmp_path / "out" / "model.safetensors")
    moved = {name for name in old if not torch.equal(old[name], new[name])}
    assert moved
    assert all("LayerNorm" in name for name in moved)
    assert len(set(new) - set(old)) == 4 * 4
    shutil.copytree(tmp_path / "out", tmp_path / "damaged")
    (tmp_path / "damaged" / "adapters.json").write_text('{"bottleneck": 9}')
    with pytest.raises(DataError, match="adapters cannot be read"):
        encode(TEXTS[:1], settings(tmp_path / "damaged"), progress=False)


def test_labels_that_do_not_fit_are_refused_before_anything_is_written(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="120 texts, 119 labels"):
        fine_tune(tiny_bert, TEXTS, LABELS[:-1], QUICK, tmp_path / "out")
    with pytest.raises(DataError, match=r"96 training texts hold \[96, 0\]"):
        fine_tune(tiny_bert, TEXTS, np.zeros(120, int), QUICK, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    for change in ({"way": "lora"}, {"epochs": 0}, {"warmup_epochs": 10}, {"valid_share": 1.0}):
        with pytest.raises(ConfigError, match=f"{next(iter(change))} is"):
            FineTuneSettings(**change)
