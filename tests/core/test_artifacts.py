"""Artifacts appear whole or not at all, and fingerprints follow contents."""

import json
import os

import pytest

from fusion_factor.core.artifacts import (
    fingerprint,
    hash_of,
    new_artifact,
    read_manifest,
    recover_artifact,
    write_file,
    write_manifest,
)
from fusion_factor.core.errors import DataError


def names(folder):
    return sorted(os.listdir(folder))


def test_an_error_leaves_the_old_artifact_and_no_rest(tmp_path):
    target = tmp_path / "market"
    with new_artifact(target) as folder:
        (folder / "a.txt").write_text("old")
    with pytest.raises(RuntimeError), new_artifact(target) as folder:
        (folder / "a.txt").write_text("half")
        raise RuntimeError("disk full")
    assert (target / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["market"]


def test_a_new_artifact_replaces_the_old_one_whole(tmp_path):
    target = tmp_path / "market"
    for name in ("a.txt", "b.txt"):
        with new_artifact(target) as folder:
            (folder / name).write_text(name)
    assert names(target) == ["b.txt"]


def test_partial_work_survives_an_error_when_asked(tmp_path):
    target = tmp_path / "train"
    with pytest.raises(RuntimeError), new_artifact(target, keep_partial=True) as folder:
        (folder / "fit0").write_text("done")
        raise RuntimeError("interrupted")
    assert not target.exists()
    with new_artifact(target, keep_partial=True) as folder:
        assert (folder / "fit0").read_text() == "done"
    assert names(target) == ["fit0"]


def test_a_crash_between_the_two_renames_is_undone(tmp_path):
    target = tmp_path / "market"
    (tmp_path / ".market.old").mkdir()
    (tmp_path / ".market.old" / "a.txt").write_text("old")
    recover_artifact(target)
    assert (target / "a.txt").read_text() == "old"


def test_fingerprints_follow_content_and_names_but_not_hidden_files(tmp_path):
    (tmp_path / "a").write_text("1")
    first = fingerprint(tmp_path)
    (tmp_path / ".lock").write_text("x")
    write_manifest(tmp_path, {"stage": "train"})
    assert fingerprint(tmp_path) == first
    (tmp_path / "a").write_text("2")
    second = fingerprint(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert len({first, second, fingerprint(tmp_path)}) == 3


def test_hash_does_not_depend_on_the_order_of_keys():
    assert hash_of({"a": 1, "b": [1, 2]}) == hash_of({"b": [1, 2], "a": 1})
    assert hash_of({"a": 1}) != hash_of({"a": 1.5})


def test_manifest_reads_back_and_a_broken_one_is_named(tmp_path):
    assert read_manifest(tmp_path) is None
    write_manifest(tmp_path, {"stage": "train", "rows": {"fits": 3}})
    assert read_manifest(tmp_path)["rows"] == {"fits": 3}
    assert "torch" in read_manifest(tmp_path)["versions"]
    write_file(tmp_path / "manifest.json", "{")
    with pytest.raises(DataError, match=r"manifest\.json"):
        read_manifest(tmp_path)
    write_file(tmp_path / "manifest.json", json.dumps([1]))
    with pytest.raises(DataError, match="not a manifest"):
        read_manifest(tmp_path)
