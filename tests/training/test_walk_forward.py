"""Walk-forward runs end to end on a small market: artifacts, restart, failures, shipped weights, no look-ahead."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from test_batches import scrambled_after
from torch import nn

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.features import FeatureSet
from fusion_factor.networks import LowFrequencyNet
from fusion_factor.training import (
    Checkpoint,
    FitSettings,
    FoldSettings,
    NetworkSettings,
    TrainingFailed,
    predict,
    run,
)
from fusion_factor.training import fit as fit_module
from fusion_factor.training import recovery as recovery_module
from fusion_factor.training import walk_forward as walk_forward_module

HF = NetworkSettings(
    "hf",
    {"_target_": "fusion_factor.networks.HighFrequencyNet", "hidden": 6},
    {"_target_": "fusion_factor.training.HighFrequencyInputs", "window_sessions": 4},
)
LF = NetworkSettings(
    "lf",
    {"_target_": "fusion_factor.networks.LowFrequencyNet", "hidden": 5},
    {"_target_": "fusion_factor.training.LowFrequencyInputs", "daily_bars": 6, "weekly_bars": 4, "monthly_bars": 3},
    folds={"train_start": "2015-12-01"},
)
FOLDS = FoldSettings(
    first_use="2016-05-15",
    train_start="2015-09-01",
    refit_months=3,
    sample_step_sessions=7,
    min_train_dates=4,
    min_valid_dates=2,
)
FIT = FitSettings(min_names=20, max_epochs=2)


def train_all(features: Path, folder: Path, **changes: Any) -> list[str]:
    """A run in this process; its progress lines."""
    lines: list[str] = []
    options = {"networks": [HF, LF], "folds": FOLDS, "fit_settings": FIT, "seeds": (0, 1), "workers": 1, **changes}
    run(features, folder=folder, progress=lines.append, device="cpu", **options)
    return lines


@pytest.fixture(scope="module")
def stored(features: FeatureSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("features")
    features.save(folder)
    return folder


@pytest.fixture(scope="module")
def trained(stored: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    train_all(stored, folder)
    return folder


def table(folder: Path, network: str = "hf") -> pd.DataFrame:
    return pd.read_parquet(folder / "predictions" / f"{network}.parquet")


def test_artifact_holds_what_is_promised(trained: Path) -> None:
    files = sorted(str(path.relative_to(trained)) for path in trained.rglob("*") if path.is_file())
    kept = [name for name in files if not name.startswith("tensorboard/")]
    checkpoints = [
        f"checkpoints/{net}/fold0{fold}_seed{seed}.ckpt" for net in ("hf", "lf") for fold in (0, 1) for seed in (0, 1)
    ]
    tables = ["history/hf.csv", "history/lf.csv", "predictions/hf.parquet", "predictions/lf.parquet"]
    assert kept == [*checkpoints, "folds.json", *tables]
    assert len([name for name in files if "/events.out.tfevents" in name]) == 8


def test_every_name_with_inputs_is_scored_on_every_session_of_use(trained: Path, features: FeatureSet) -> None:
    """Whether it has a label or not, and on sessions that no sample falls on."""
    for network, mask, tasks in (("hf", features.has_hf, 1), ("lf", features.has_lf, 3)):
        frame = table(trained, network)
        assert list(frame.columns[:4]) == ["date", "symbol", "fold", "seed"]
        assert frame.shape[1] == 4 + tasks
        assert not frame.duplicated(["date", "symbol", "seed"]).any()
        use = features.sessions >= np.datetime64("2016-05-15")
        expected = mask & use[:, None]
        for seed in (0, 1):
            got = frame[frame.seed == seed]
            rows = np.searchsorted(features.sessions, got.date.to_numpy().astype("datetime64[D]"))
            columns = np.searchsorted(features.symbols, got.symbol.to_numpy().astype(str))
            scored = np.zeros_like(mask)
            scored[rows, columns] = True
            assert np.array_equal(scored, expected)
        assert np.isfinite(frame.iloc[:, 4:].to_numpy()).all()


def test_folds_and_history_tell_what_was_done(trained: Path) -> None:
    folds = json.loads((trained / "folds.json").read_text())
    assert sorted(folds) == ["hf", "lf"]
    first = folds["hf"][0]
    assert first["use"]["first"] == "2016-05-16"
    assert first["train"]["last"] < first["valid"]["first"] <= first["label_until"] < first["use"]["first"]
    assert folds["lf"][0]["train"]["first"] >= "2015-12-01" > folds["hf"][0]["train"]["first"]
    history = pd.read_csv(trained / "history" / "lf.csv")
    assert list(history.columns) == ["fold", "seed", "epoch", "split", "task", "loss", "ic", "rank_ic"]
    assert len(history) == 2 * 2 * 2 * 2 * 3


def test_predict_gives_the_very_scores_of_the_run(trained: Path, features: FeatureSet) -> None:
    path = trained / "checkpoints" / "lf" / "fold01_seed1.ckpt"
    frame = table(trained, "lf").query("fold == 1 and seed == 1")
    day = frame.date.iloc[-1]
    got = predict(path, features, np.array([day], dtype="datetime64[D]"), device="cpu")
    expected = frame[frame.date == day].drop(columns=["fold", "seed"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(got, expected, check_exact=True)


def test_predict_refuses_a_date_that_is_no_session(trained: Path, features: FeatureSet) -> None:
    path = trained / "checkpoints" / "hf" / "fold00_seed0.ckpt"
    with pytest.raises(DataError, match="2016-05-15 is not among the sessions"):
        predict(path, features, np.array(["2016-05-16", "2016-05-15"], dtype="datetime64[D]"))
    assert predict(path, features, features.sessions[:2]).empty, "nobody has inputs yet"


def test_finished_fits_are_not_done_again(stored: Path, trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    shutil.copytree(trained, folder)
    lost = folder / "checkpoints" / "hf" / "fold01_seed0.ckpt"
    lost.unlink()
    damaged = folder / "checkpoints" / "hf" / "fold00_seed1.ckpt"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    lines = train_all(stored, folder, networks=[HF])
    ends = [line.split(": ", 1)[1] for line in lines]
    assert ends == [
        "hf fold00_seed0 found finished",
        "hf fold01_seed0 done",
        "hf fold00_seed1 done",
        "hf fold01_seed1 found finished",
    ]
    pd.testing.assert_frame_equal(table(folder), table(trained), check_exact=True)


def test_another_setting_is_another_fit(stored: Path, trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "again")
    changed = replace(FIT, learning_rate=0.001)
    lines = train_all(stored, tmp_path / "again", networks=[HF], fit_settings=changed, seeds=(0,))
    assert all(line.endswith(" done") for line in lines)


def test_interrupted_fit_goes_on_and_ends_the_same(
    stored: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the first epoch was saved; the next run goes on with the second."""
    monkeypatch.setattr(fit_module, "_SECONDS_BETWEEN_SAVES", 0.0)
    real, saves = recovery_module.save_plain, []

    def save_then_stop(path: Path, content: Any) -> None:
        real(path, content)
        saves.append(path)
        raise KeyboardInterrupt

    monkeypatch.setattr(recovery_module, "save_plain", save_then_stop)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        train_all(stored, tmp_path, networks=[HF], seeds=(0,))
    assert saves[0].name == "fold00_seed0.progress"
    assert saves[0].is_file()
    monkeypatch.setattr(recovery_module, "save_plain", real)
    train_all(stored, tmp_path, networks=[HF], seeds=(0,))
    assert not list(tmp_path.rglob("*.progress"))
    expected = table(trained).query("seed == 0").reset_index(drop=True)
    pd.testing.assert_frame_equal(table(tmp_path), expected, check_exact=True)
    history = pd.read_csv(tmp_path / "history" / "hf.csv")
    assert history.query("fold == 0").epoch.tolist() == [0, 0, 1, 1]


def test_a_network_may_have_its_own_fit_and_fold_values(stored: Path, tmp_path: Path) -> None:
    own = replace(HF, fit={"max_epochs": 1}, folds={"valid_share": 0.4})
    train_all(stored, tmp_path, networks=[own, replace(HF, name="other")], seeds=(0,))
    epochs = [set(pd.read_csv(tmp_path / "history" / f"{name}.csv").epoch) for name in ("hf", "other")]
    assert epochs == [{0}, {0, 1}]
    folds = json.loads((tmp_path / "folds.json").read_text())
    assert folds["hf"][0]["valid"]["sessions"] > folds["other"][0]["valid"]["sessions"]
    with pytest.raises(ConfigError, match="network hf: fit is 'epochs', must be one of"):
        replace(HF, fit={"epochs": 1})


class FailsOnOneSession(nn.Module):
    """A user's own network, found by name, that can be made to break on one session."""

    tasks = ("mine",)

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(27, 1)

    def forward(self, inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
        if len(inputs[0]) and float(inputs[0][0, -1, 0]) == self.bad:
            raise RuntimeError("broken forward")
        return self.head(inputs[0][:, -1])

    bad = float("inf")


OWN = NetworkSettings(
    "own",
    {"_target_": "test_walk_forward.FailsOnOneSession"},
    {"_target_": "fusion_factor.training.HighFrequencyInputs"},
)


def test_a_users_own_network_is_a_class_and_a_mapping(stored: Path, tmp_path: Path) -> None:
    train_all(stored, tmp_path, networks=[OWN], seeds=(0,))
    assert table(tmp_path, "own").columns[-1] == "mine"


def test_a_failing_job_is_named_and_the_others_stay(
    stored: Path, tmp_path: Path, features: FeatureSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert features.hf is not None
    last = len(features.sessions) - 1
    name = int(np.flatnonzero(features.has_hf[last])[0])
    monkeypatch.setattr(FailsOnOneSession, "bad", float(features.hf.values[last, name, 0]))
    with pytest.raises(TrainingFailed, match=r"1 of 2 jobs failed \(own fold01_seed0: RuntimeError: broken forward\)"):
        train_all(stored, tmp_path, networks=[OWN], seeds=(0,))
    monkeypatch.undo()
    lines = train_all(stored, tmp_path, networks=[OWN], seeds=(0,))
    assert lines[0].endswith("own fold00_seed0 found finished")


def test_shipped_weights_score_without_training(stored: Path, trained: Path, tmp_path: Path) -> None:
    train_all(stored, tmp_path, checkpoints=trained / "checkpoints")
    for network in ("hf", "lf"):
        pd.testing.assert_frame_equal(table(tmp_path, network), table(trained, network), check_exact=True)
    assert not (tmp_path / "checkpoints").exists()


def test_shipped_weights_are_never_used_before_their_first_session_of_use(
    stored: Path, trained: Path, tmp_path: Path
) -> None:
    only_first = tmp_path / "weights" / "hf"
    only_first.mkdir(parents=True)
    for seed in (0, 1):
        source = trained / "checkpoints" / "hf" / f"fold00_seed{seed}.ckpt"
        (only_first / source.name).write_bytes(source.read_bytes())
    train_all(stored, tmp_path / "out", networks=[HF], checkpoints=tmp_path / "weights")
    early, late = (table(trained).query(f"fold == {fold}") for fold in (0, 1))
    got = table(tmp_path / "out")
    assert np.array_equal(got.query("fold == 0").hf, early.hf)
    assert not np.array_equal(got.query("fold == 1").hf, late.hf), "older weights go on scoring"
    with pytest.raises(ConfigError, match=r"no weights of network hf, seed 0, .* before 2016-04-01 \(fold 0\)"):
        train_all(
            stored, tmp_path / "no", networks=[HF], checkpoints=tmp_path / "weights",
            folds=replace(FOLDS, first_use="2016-04-01"),
        )  # fmt: skip


def test_weights_never_read_other_factors_than_they_were_fitted_on(
    features: FeatureSet, stored: Path, trained: Path, tmp_path: Path
) -> None:
    assert features.hf is not None
    names = list(features.hf.names)
    swapped = replace(features, hf=replace(features.hf, names=(names[1], names[0], *names[2:])))
    swapped.save(tmp_path / "features")
    message = f"network hf: its weights were fitted on other inputs .*: input 0 was {names[0]}, is {names[1]}"
    with pytest.raises(ConfigError, match=message):
        predict(trained / "checkpoints" / "hf" / "fold00_seed0.ckpt", swapped, features.sessions[-1:], device="cpu")
    with pytest.raises(TrainingFailed, match=message):
        train_all(tmp_path / "features", tmp_path / "out", networks=[HF], checkpoints=trained / "checkpoints")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": ()}, "seeds is"),
        ({"seeds": (1, 1)}, "seeds is"),
        ({"networks": [HF, HF]}, "networks is"),
        ({"folds": replace(FOLDS, min_train_dates=50)}, r"network hf: fold 0 \(first use 2016-05-16\): found"),
        ({"fit_settings": FitSettings(min_names=200)}, "found 0 training and 0 validation dates, needed 4 and 2"),
    ],
)
def test_mistakes_are_found_before_any_work(stored: Path, tmp_path: Path, changes: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        train_all(stored, tmp_path, **changes)
    assert not list(tmp_path.iterdir())


def test_what_comes_after_changes_nothing_in_the_folds_before(
    features: FeatureSet, trained: Path, tmp_path: Path
) -> None:
    """Inputs, masks and labels after the last session of fold 0 become noise: its scores keep every bit."""
    last = pd.Timestamp(json.loads((trained / "folds.json").read_text())["hf"][0]["use"]["last"])
    cut = int(np.searchsorted(features.sessions, np.datetime64(last, "D")))
    other = scrambled_after(features, cut)
    other.save(tmp_path / "features")
    train_all(tmp_path / "features", tmp_path / "out", seeds=(0,))
    for network in ("hf", "lf"):
        before = table(trained, network).query("seed == 0 and fold == 0").reset_index(drop=True)
        after = table(tmp_path / "out", network)
        pd.testing.assert_frame_equal(after.query("fold == 0"), before, check_exact=True)
        assert before.date.max() == last
        moved = table(trained, network).query("seed == 0 and fold == 1")
        assert not moved.reset_index(drop=True).equals(after.query("fold == 1").reset_index(drop=True))


@pytest.mark.slow
def test_fits_take_the_cuda_devices_of_a_machine_in_turn(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    def remember(work: Any, jobs: list[Any], workers: int, *others: Any) -> None:
        seen.update(devices=[job.device for job in jobs], workers=workers)
        raise KeyboardInterrupt

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(walk_forward_module, "run_jobs", remember)
    for device, expected in (("cuda", ["cuda:0", "cuda:1", "cuda:2", "cuda:0"]), ("cuda:1", ["cuda:1"] * 4)):
        with pytest.raises(KeyboardInterrupt):
            run(stored, [HF], FOLDS, FIT, tmp_path, seeds=(0, 1), device=device)
        assert seen["devices"][:4] == expected
        assert seen["workers"] == len(set(expected))


def test_processes_change_no_bit(stored: Path, trained: Path, tmp_path: Path) -> None:
    lines = train_all(stored, tmp_path, workers=2)
    assert len([line for line in lines if line.endswith(" done")]) == 8
    for network in ("hf", "lf"):
        pd.testing.assert_frame_equal(table(tmp_path, network), table(trained, network), check_exact=True)
    for path in (trained / "checkpoints").rglob("*.ckpt"):
        one, two = Checkpoint.read(path), Checkpoint.read(tmp_path / path.relative_to(trained))
        assert all(torch.equal(tensor, two.weights[name]) for name, tensor in one.weights.items())


class MirroredLowFrequencyNet(LowFrequencyNet):
    """The same first weights, but every score negated."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        for head in self.heads:
            for weights in head.parameters():
                weights.data.neg_()


def test_training_favours_no_side(features: FeatureSet, stored: Path, trained: Path, tmp_path: Path) -> None:
    """Negated first scores fitted to negated labels give the negated scores, bit for bit.

    First weights of either sign are equally likely. So a network that is fitted to labels without truth in them has an
    expected RankIC of exactly 0, whatever its structure: a mean over such networks that stays away from 0 is a leak.
    """
    replace(features, label=-features.label).save(tmp_path / "features")
    network = {**LF.network, "_target_": "test_walk_forward.MirroredLowFrequencyNet"}
    train_all(tmp_path / "features", tmp_path / "out", networks=[replace(LF, network=network)])
    tasks = ["lf_daily", "lf_weekly", "lf_monthly"]
    mirrored, straight = table(tmp_path / "out", "lf")[tasks], table(trained, "lf")[tasks]
    assert straight.abs().to_numpy().min() > 0
    pd.testing.assert_frame_equal(-mirrored, straight, check_exact=True)


@pytest.mark.slow
def test_shuffled_labels_give_no_skill_though_there_is_a_signal(
    synthetic: Callable[..., FeatureSet], tmp_path: Path
) -> None:
    """The null test: six permutations, each with its own seed. Their mean RankIC is within two standard errors of 0.

    The standard error is over dates, of the mean over permutations: models of one market share its dates, so that
    their spread alone would understate it.
    """
    features = synthetic(n_sessions=500, n_symbols=80)
    features.save(tmp_path / "features")
    network = replace(HF, network={"_target_": "fusion_factor.networks.HighFrequencyNet", "hidden": 16})
    folds = replace(FOLDS, sample_step_sessions=3, refit_months=12)
    by_date = []
    for shuffle in (None, 1, 2, 3, 4, 5, 6):
        folder = tmp_path / f"out{shuffle}"
        fit = replace(FIT, max_epochs=4, shuffle_labels=shuffle)
        train_all(
            tmp_path / "features", folder, networks=[network], folds=folds, fit_settings=fit, seeds=(shuffle or 0,)
        )
        by_date.append(rank_ics(table(folder), features))
    assert by_date[0].mean() > 0.3
    null = np.mean(by_date[1:], axis=0)
    assert abs(null.mean()) < 2 * null.std(ddof=1) / np.sqrt(len(null))


def rank_ics(frame: pd.DataFrame, features: FeatureSet) -> np.ndarray:
    """The RankIC of each date on which there are labels."""
    rows = np.searchsorted(features.sessions, frame.date.to_numpy().astype("datetime64[D]"))
    names = np.searchsorted(features.symbols, frame.symbol.to_numpy().astype(str))
    joined = frame.assign(label=features.label[rows, names]).dropna()
    return np.array([day.hf.corr(day.label, method="spearman") for _, day in joined.groupby("date")])
