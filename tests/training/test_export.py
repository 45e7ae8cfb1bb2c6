"""Exported networks score real windows as `predict` does; what is not right is not written."""

import doctest
import json
import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.training import Checkpoint, export, export_onnx, export_program, predict, served_scores

CHECKOUT = Path(__file__).resolve().parents[2]
WEIGHTS = {name: CHECKOUT / "checkpoints" / name / "fold00_seed0.ckpt" for name in ("hf", "lf")}
TOLERANCE = 1e-5


class Last(nn.Module):
    """The smallest network: a linear unit on the last session."""

    tasks = ("last",)

    def __init__(self, n_factors: int = 27) -> None:
        super().__init__()
        self.head = nn.Linear(n_factors, 1)

    def forward(self, inputs):
        (x_btf,) = inputs
        return self.head(x_btf[:, -1])


class Branching(Last):
    """What cannot be traced: the way depends on the numbers."""

    def forward(self, inputs):
        y_bk = super().forward(inputs)
        return y_bk if bool(y_bk.sum() > 0) else -y_bk


def checkpoint_of(kind) -> Checkpoint:
    about = {
        "name": kind.__name__,
        "network": {"_target_": f"{__name__}.{kind.__name__}"},
        "inputs": {"_target_": "fusion_factor.training.HighFrequencyInputs"},
    }
    return Checkpoint(
        kind().state_dict(), {"network": about, "seed": 4, "first_use": "2016-01-01", "label_until": None}
    )


@pytest.fixture(scope="module")
def features(features):
    """The small market with the factors that the shipped weights were fitted on, by name."""
    names = tuple(Checkpoint.read(WEIGHTS["hf"]).about["columns"])
    return replace(features, hf=replace(features.hf, names=names))


@pytest.fixture
def offline(monkeypatch):
    """Every attempt to reach a network fails."""

    def refuse(*_, **__):
        raise AssertionError("tried to open a network connection")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def assert_same(served: pd.DataFrame, predicted: pd.DataFrame) -> None:
    assert list(served) == list(predicted)
    pd.testing.assert_frame_equal(served[["date", "symbol"]], predicted[["date", "symbol"]])
    np.testing.assert_allclose(served.iloc[:, 2:], predicted.iloc[:, 2:], rtol=TOLERANCE, atol=TOLERANCE)


def onnx() -> None:
    for name in ("onnxscript", "onnxruntime"):
        pytest.importorskip(name, reason=f"needs {name}: pip install 'fusion-factor[onnx]'")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hf", "lf"])
def test_onnxruntime_scores_every_session_as_predict_does(name, features, tmp_path, offline):
    onnx()
    done = export_onnx(WEIGHTS[name], features, tmp_path / "made" / f"{name}.onnx")
    assert done.difference <= TOLERANCE
    assert done.rows > 100
    assert [path.name for path in done.path.parent.iterdir()] == [f"{name}.onnx"]
    # Sessions with other numbers of names than the one that was traced.
    days = features.sessions[-120:]
    predicted = predict(WEIGHTS[name], features, days, device="cpu")
    assert predicted.groupby("date").size().nunique() > 5
    assert_same(served_scores(done.path, features, days), predicted)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hf", "lf"])
def test_a_program_scores_as_predict_does_without_this_package(name, features, tmp_path, offline):
    done = export_program(WEIGHTS[name], features, tmp_path / f"{name}.pt2")
    days = features.sessions[-40:]
    assert_same(served_scores(done.path, features, days), predict(WEIGHTS[name], features, days, device="cpu"))
    called = torch.export.load(done.path).module()
    for names in (1, 2, 300):
        windows = tuple(torch.zeros(names, *shape[1:]) for shape in done.inputs.values())
        assert called(windows).shape == (names, len(done.tasks))


@pytest.mark.slow
def test_the_page_on_export_prints_what_it_says(features, tmp_path, monkeypatch):
    onnx()
    monkeypatch.chdir(CHECKOUT)
    outcome = doctest.testfile(
        str(CHECKOUT / "docs" / "export.md"), module_relative=False, globs={"features": features, "folder": tmp_path}
    )
    assert outcome.attempted > 10
    assert outcome.failed == 0


def test_a_network_of_ones_own_is_exported_with_what_made_it(features, tmp_path, offline):
    onnx()
    import onnxruntime

    checkpoint = checkpoint_of(Last)
    done = export_onnx(checkpoint, features, tmp_path / "own.onnx", sessions=features.sessions[100:102])
    assert (done.tasks, done.inputs, done.sessions) == (("last",), {"window_0": (None, 40, 27)}, 2)
    days = features.sessions[60:]
    assert_same(served_scores(done.path, features, days), predict(checkpoint, features, days, device="cpu"))
    session = onnxruntime.InferenceSession(done.path, providers=["CPUExecutionProvider"])
    about = json.loads(session.get_modelmeta().custom_metadata_map["fusion_factor"])
    assert about == {
        **checkpoint.about,
        "tasks": ["last"],
        "inputs": {"window_0": [40, 27]},
    }


def test_a_file_whose_scores_differ_is_not_written(features, tmp_path):
    path = tmp_path / "own.pt2"
    path.write_bytes(b"what was there")
    with pytest.raises(DataError, match="differ from predicted ones by"):
        export_program(checkpoint_of(Last), features, path, tolerance=-1.0)
    assert path.read_bytes() == b"what was there"
    assert list(tmp_path.iterdir()) == [path]


def test_wrong_weights_in_the_file_are_noticed(features, tmp_path, monkeypatch):
    other = checkpoint_of(Last)
    trace = export._trace
    monkeypatch.setattr(export, "_trace", lambda network, *rest: trace(_moved(network), *rest))
    with pytest.raises(DataError, match="limit 1e-05"):
        export_program(other, features, tmp_path / "own.pt2")


def _moved(network: nn.Module) -> nn.Module:
    with torch.no_grad():
        network.head.bias += 1e-4
    return network


def test_a_network_that_cannot_be_traced_is_named(features, tmp_path):
    with pytest.raises(ConfigError, match="network Branching: cannot be exported"):
        export_program(checkpoint_of(Branching), features, tmp_path / "own.pt2")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_is_refused(features, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match=r"must end with \.pt2"):
        export_program(WEIGHTS["hf"], features, tmp_path / "own.onnx")
    with pytest.raises(DataError, match="fewer than two names"):
        export_program(WEIGHTS["hf"], features, tmp_path / "own.pt2", sessions=features.sessions[:1])
    with pytest.raises(DataError, match="not among the sessions"):
        export_program(WEIGHTS["hf"], features, tmp_path / "own.pt2", sessions=np.array(["1999-01-01"], "M8[D]"))
    with pytest.raises(DataError, match="no such file"):
        served_scores(tmp_path / "none.onnx", features, features.sessions[-1:])
    (tmp_path / "bad.pt2").write_bytes(b"no program")
    with pytest.raises(DataError, match=r"not a readable torch\.export file"):
        served_scores(tmp_path / "bad.pt2", features, features.sessions[-1:])
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match=r"fusion-factor\[onnx\]"):
        export_onnx(WEIGHTS["hf"], features, tmp_path / "own.onnx")
