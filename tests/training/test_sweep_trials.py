"""A trial on a small feature set: the objective is the validation RankIC of the history, and knows no test segment."""

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fusion_factor.core.artifacts import fingerprint, write_manifest
from fusion_factor.core.errors import ConfigError
from fusion_factor.features import FeatureSet
from fusion_factor.pipeline import compose_settings
from fusion_factor.stages.sweep_tables import summary, write_hparams, write_leaderboard
from fusion_factor.stages.sweep_trial import Plan, before_test, run_trial
from fusion_factor.training.checkpoints import Checkpoint
from fusion_factor.training.journal import file_lock
from fusion_factor.training.search_space import Choice
from fusion_factor.training.sweep import Study, StudySettings, Trial, work_off

pytest.importorskip("optuna", reason="needs the extra optuna")

SPACE = {"networks.hf.network.hidden": Choice(("3", "5")), "train.fit.weight_decay": Choice(("0.0", "0.01"))}
WORDS = (
    "debug=tiny", "train.workers=1", "train.seeds=[0,1]", "train.fit.min_names=20", "train.fit.max_epochs=2",
    "networks.hf.folds.sample_step_sessions=5", "train.folds.first_use=2016-01-01",
    "train.folds.train_start=2015-03-05", "train.folds.refit_months=3",
)  # fmt: skip
TEST_FROM = "2016-04-01"


def write_features(root: Path, features: FeatureSet) -> None:
    folder = root / "features"
    folder.mkdir(parents=True)
    features.save(folder)
    write_manifest(folder, {"content": fingerprint(folder)})


def plan_in(root: Path, test_from: str | None = TEST_FROM) -> Plan:
    words = (*WORDS, f"root={root}")
    return Plan(root / "sweep" / "study", root, words, ("hf",), test_from, None, compose_settings)


class Drawn(Trial):
    """A trial with chosen values that keeps what it reports."""

    def __init__(self, number: int, hidden: int, decay: float = 0.0) -> None:
        values = {"networks.hf.network.hidden": str(hidden), "train.fit.weight_decay": str(decay)}
        super().__init__(None, number, values, "token", 1)  # type: ignore[arg-type]
        self.reports: list[tuple[int, float, bool]] = []

    def describe(self, about: object) -> None:
        """Nothing to write to."""

    def report(self, step: int, value: float, *, last: bool = False) -> None:
        self.reports.append((step, value, last))


@pytest.fixture(scope="module")
def root(synthetic: Callable[..., FeatureSet], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with features and one trial."""
    root = tmp_path_factory.mktemp("run")
    write_features(root, synthetic())
    return root


@pytest.fixture(scope="module")
def first(root: Path) -> tuple[Drawn, float, dict]:
    trial = Drawn(0, hidden=3)
    result = run_trial(plan_in(root), file_lock, trial)
    return trial, result.objective, dict(result.about)


def best_rank_ics(train: Path) -> dict[tuple[int, int], float]:
    """Validation RankIC in the epoch kept, of each fold and seed, from history.csv by a way of its own."""
    found = {}
    for path in sorted((train / "checkpoints" / "hf").glob("*.ckpt")):
        about = Checkpoint.read(path).about
        with (train / "history" / "hf.csv").open() as stream:
            rows = [
                row
                for row in csv.DictReader(stream)
                if (int(row["fold"]), int(row["seed"])) == (about["fold"], about["seed"])
                and row["split"] == "valid"
                and int(row["epoch"]) == about["best_epoch"]
            ]
        (row,) = rows
        found[about["fold"], about["seed"]] = float(row["rank_ic"])
    return found


def trial_folder(root: Path, about: dict, number: int = 0) -> Path:
    (found,) = (root / "sweep" / "study" / "trials").glob(f"{number:04d}-*")
    return found / "train"


def test_the_objective_is_the_mean_validation_rank_ic_over_folds_and_seeds(
    root: Path, first: tuple[Drawn, float, dict]
) -> None:
    trial, objective, about = first
    fits = best_rank_ics(trial_folder(root, about))
    assert sorted(fits) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert objective == pytest.approx(np.mean(list(fits.values())), abs=1e-12)
    assert about["fits"] == 4
    order = [fits[0, 0], fits[1, 0], fits[0, 1], fits[1, 1]]
    assert [step for step, _, _ in trial.reports] == [1, 2, 3, 4]
    assert [last for _, _, last in trial.reports] == [False, False, False, True]
    for step, value, _ in trial.reports:
        assert value == pytest.approx(np.mean(order[:step]), abs=1e-12)
    over_folds = [np.mean([fits[0, seed], fits[1, seed]]) for seed in (0, 1)]
    assert about["seed_std"] == pytest.approx(np.std(over_folds, ddof=1))


def test_the_series_by_date_has_the_same_means(root: Path, first: tuple[Drawn, float, dict]) -> None:
    train = trial_folder(root, first[2])
    series = pd.read_csv(train / "validation.csv")
    means = series.groupby(["fold", "seed"])["rank_ic"].mean().to_dict()
    for fit, value in best_rank_ics(train).items():
        assert means[fit] == pytest.approx(value, abs=1e-6)
    assert series["date"].max() < TEST_FROM


def test_nothing_of_the_test_segment_moves_the_objective(
    root: Path, first: tuple[Drawn, float, dict], synthetic: Callable[..., FeatureSet], tmp_path: Path
) -> None:
    """Scramble labels, masks and panels from the first test session on; the objective stays the same to the bit."""
    whole = synthetic()
    cut = int(np.searchsorted(whole.sessions, np.datetime64(TEST_FROM)))
    rng = np.random.default_rng(5)
    assert whole.hf is not None
    values, label, has_label = whole.hf.values.copy(), whole.label.copy(), whole.has_label.copy()
    values[cut:] = rng.standard_normal(values[cut:].shape)
    known = cut - whole.reach
    label[known:] = np.where(np.isfinite(label[known:]), rng.standard_normal(label[known:].shape), np.nan)
    has_label[known:] &= rng.random(has_label[known:].shape) > 0.3
    label[~has_label] = np.nan
    scrambled = replace(whole, hf=replace(whole.hf, values=values), label=label, has_label=has_label)
    write_features(tmp_path, scrambled)
    again = Drawn(0, hidden=3)
    result = run_trial(plan_in(tmp_path), file_lock, again)
    assert result.objective == first[1]
    assert again.reports == first[0].reports
    assert result.about["label_until"] < TEST_FROM
    assert result.about["label_until"] == first[2]["label_until"]


def test_without_a_date_only_the_first_fold_counts(synthetic: Callable[..., FeatureSet], tmp_path: Path) -> None:
    sessions = synthetic().sessions
    settings = plan_in(tmp_path).settings()
    assert before_test(settings, sessions, None).raw["networks"]["hf"]["folds"]["end"] == "2016-01-01"
    assert before_test(settings, sessions, "2016-04-02").raw["networks"]["hf"]["folds"]["end"] == "2016-04-04"
    with pytest.raises(ConfigError, match=r"2015-12-31 is before 2016-01-01, the first use of network hf"):
        before_test(settings, sessions, "2015-12-31")
    with pytest.raises(ConfigError, match="after the last session"):
        before_test(settings, sessions, "2030-01-01")


def test_a_trial_begun_again_finds_its_fits_and_others_share_them(
    root: Path, first: tuple[Drawn, float, dict], tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(root, tmp_path / "run"))
    (finished,) = (copy / "sweep" / "study" / "trials").glob("0000-*")
    times = {path.name: path.stat().st_mtime_ns for path in finished.rglob("*.ckpt")}
    partial = finished / ".train.partial"
    (finished / "train").rename(partial)
    (partial / "manifest.json").unlink()
    again = run_trial(plan_in(copy), file_lock, Drawn(0, hidden=3))
    assert again.objective == first[1]
    assert {path.name: path.stat().st_mtime_ns for path in (finished / "train").rglob("*.ckpt")} == times
    shared = run_trial(plan_in(copy), file_lock, Drawn(7, hidden=3))
    assert shared.objective == first[1]
    (other,) = (copy / "sweep" / "study" / "trials").glob("0007-*")
    assert {path.name: path.stat().st_mtime_ns for path in (other / "train").rglob("*.ckpt")} == times
    different = run_trial(plan_in(copy), file_lock, Drawn(8, hidden=5))
    assert different.objective != first[1]


def test_a_study_of_real_trials_leaves_a_leaderboard_and_hparams(root: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(root, tmp_path / "run"))
    plan = plan_in(copy)
    study = Study(plan.folder, SPACE, StudySettings(trials=3, prune_startup=None))
    work_off(study, lambda trial: run_trial(plan, file_lock, trial))
    records = study.records()
    table = write_leaderboard(plan.folder, records)
    assert table["objective"].is_monotonic_decreasing
    assert table["rank"].tolist() == [1, 2, 3]
    assert (table["rank_ic_hf"] - table["objective"]).abs().max() < 1e-12
    for number, folder, mark in table[["number", "folder", "config_hash"]].itertuples(index=False):
        assert folder == f"trials/{number:04d}-{mark}"
        assert (plan.folder / folder / "train" / "manifest.json").is_file()
    told = summary(plan.folder, records, gap_sessions=11)
    assert json.loads(json.dumps(told))["complete"] == 3
    assert told["same_validation_dates"]
    assert told["chosen_with_labels_until"] < TEST_FROM
    write_hparams(plan.folder, records)
    write_hparams(plan.folder, records)
    runs = sorted((plan.folder / "tensorboard").iterdir())
    assert [run.name for run in runs] == ["trial_0000", "trial_0001", "trial_0002"]
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(runs[1]))
    events.Reload()
    assert events.Scalars("validation/rank_ic")[0].value == pytest.approx(records[1].objective)
    assert "_hparams_/session_start_info" in events.summary_metadata
