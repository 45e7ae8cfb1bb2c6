"""A tiny BERT with random weights, made on the spot: nothing is downloaded."""

from pathlib import Path

import pytest

CHARACTERS = "业绩大幅超预期上调下盈利测净润增长低于评级维持买入公司,。0%股份有限今天气很好 abc"


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a BERT of 2 layers, 32 wide, 64 tokens, a vocabulary of single characters, safetensors."""
    transformers = pytest.importorskip("transformers", reason="needs the extra text (transformers)")
    import torch

    folder = tmp_path_factory.mktemp("bert")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(set(CHARACTERS) - {" "})]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    transformers.BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = transformers.BertModel(
            transformers.BertConfig(
                vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
                intermediate_size=48, max_position_embeddings=64, initializer_range=0.3,
            )
        )  # fmt: skip
    model.save_pretrained(folder)
    return folder
