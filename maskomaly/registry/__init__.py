"""Queries of known checkpoints: a TOML file a checkpoint, named by the digest of its weights.

Such files lie in this folder, and in one of the user's own; `--queries auto` finds them. To share
mined queries, add the file that `maskomaly mine` wrote here, as DIGEST.toml: its head says how they
were found. The digest is that of the weights, so that nobody's name for a network matters.
"""

from __future__ import annotations

import os
from pathlib import Path

from maskomaly.config import MaskomalyConfig
from mdmkit.core.errors import InputError

PACKAGED = Path(__file__).parent
#: Names the user's folder in place of the usual one.
VARIABLE = "MASKOMALY_QUERIES"
#: The config of a network that was saved with one, in the folder of its weights.
OWN_CONFIG = "queries.toml"


def users_folder() -> Path:
    """Folder in which the user keeps queries by digest."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen)
    import typer

    return Path(typer.get_app_dir("maskomaly")) / "queries"


def find_queries(digest: str) -> Path | None:
    """The file of queries for weights of this digest: the user's, else the package's."""
    for folder in (users_folder(), PACKAGED):
        path = folder / f"{digest}.toml"
        if path.is_file():
            return path
    return None


def registered(digest: str) -> MaskomalyConfig:
    """The config of queries for weights of this digest.

    Raises
    ------
    InputError
        If there is none, or the file names other weights.
    """
    path = find_queries(digest)
    if path is None:
        raise InputError(
            f"expected queries for the checkpoint {digest}, found none in "
            f"{users_folder()} nor in the package; mine them: maskomaly mine IMAGES --target MASKS "
            "--model SOURCE -o queries.toml",
            argument="queries",
        )
    config = MaskomalyConfig.read(path)
    if config.checkpoint != digest:
        raise InputError(
            f"{path}: checkpoint: expected {digest}, as the file's name says, found "
            f"{config.checkpoint or 'none'}"
        )
    return config


def own_config(source: str | Path, digest: str) -> MaskomalyConfig | None:
    """The config in a network's folder, else the registered one for its weights, if any."""
    path = Path(source) / OWN_CONFIG
    if path.is_file():
        return MaskomalyConfig.read(path)
    return None if find_queries(digest) is None else registered(digest)
