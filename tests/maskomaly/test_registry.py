"""Queries by the digest of weights: the user's, the package's."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="torch is not installed")

from maskomaly import MaskomalyConfig
from maskomaly.registry import (
    PACKAGED,
    VARIABLE,
    find_queries,
    own_config,
    registered,
    users_folder,
)
from mdmkit import InputError

DIGEST = "ab" * 32


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "mine"))
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


def test_files_of_the_package_are_named_by_their_checkpoint():
    files = list(PACKAGED.glob("*.toml"))
    assert files
    for file in files:
        assert registered(file.stem).checkpoint == file.stem
        assert file.read_text().startswith("# queries whose mask")  # how they were found


def test_the_user_s_come_first(folder):
    packaged = next(PACKAGED.glob("*.toml"))
    own = MaskomalyConfig(anomaly_queries=(3,), checkpoint=packaged.stem)
    assert registered(packaged.stem).anomaly_queries != (3,)
    own.write(folder / packaged.name)
    assert find_queries(packaged.stem) == folder / packaged.name
    assert registered(packaged.stem) == own


def test_none_and_ones_of_other_weights_are_refused(folder):
    with pytest.raises(InputError, match=f"expected queries for the checkpoint {DIGEST}"):
        registered(DIGEST)
    MaskomalyConfig(anomaly_queries=(3,), checkpoint="cd" * 32).write(folder / f"{DIGEST}.toml")
    with pytest.raises(InputError, match=r"expected abab.*, found cdcd"):
        registered(DIGEST)


def test_a_network_s_own_file_comes_before_all(folder, tmp_path):
    assert own_config(tmp_path, DIGEST) is None
    MaskomalyConfig(anomaly_queries=(3,), checkpoint=DIGEST).write(folder / f"{DIGEST}.toml")
    assert own_config(tmp_path, DIGEST).anomaly_queries == (3,)
    MaskomalyConfig(anomaly_queries=(5,)).write(tmp_path / "queries.toml")
    assert own_config(tmp_path, DIGEST).anomaly_queries == (5,)


def test_there_is_a_usual_folder(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert users_folder().name == "queries"
