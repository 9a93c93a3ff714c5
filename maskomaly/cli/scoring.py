"""What `predict` and `score` share: scores by name, and the folders that their maps go to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mdmkit.cli.terminal import note
from mdmkit.core.errors import InputError

if TYPE_CHECKING:
    from maskomaly.config import MaskomalyConfig
    from maskomaly.images import Source
    from maskomaly.score_maps import Destination, Folder

FORMATS = ("hdf5", "npy")


def split_names(names: str) -> list[str]:
    """Scores of a list with commas, each known and named once."""
    from maskomaly.scores import check_score

    found: list[str] = []
    for name in (part.strip() for part in names.split(",")):
        check_score(name)
        if name in found:
            raise InputError(f"expected each score once, found {name!r} again", argument="score")
        found.append(name)
    return found


def check_form(form: str, dtype: str) -> None:
    """Refuse unknown kinds of files and numbers."""
    from maskomaly.score_maps import SCORE_DTYPES

    if form not in FORMATS:
        raise InputError(f"expected {' or '.join(FORMATS)}, found {form!r}", argument="format")
    if dtype not in SCORE_DTYPES:
        raise InputError(f"expected {' or '.join(SCORE_DTYPES)}, found {dtype!r}", argument="dtype")


def folders_of(names: Sequence[str], output: Path) -> dict[str, Path]:
    """One folder for one score, a folder below it for each of several."""
    return {name: output if len(names) == 1 else output / name for name in names}


def destinations(
    names: Sequence[str],
    output: Path,
    config: MaskomalyConfig,
    force: bool,
    form: str,
    dtype: str,
    common: Mapping[str, object],
) -> list[Destination]:
    """A destination for each score, with the settings that decide it."""
    from maskomaly.score_maps import Destination
    from maskomaly.scores import SCORES, score

    made = []
    for name, folder in folders_of(names, output).items():
        settings = {**common, "score": name}
        if SCORES[name].configured:
            settings["config"] = config.to_toml().splitlines()
        scorer = partial(score, name=name, config=config, force=force)
        made.append(Destination(folder, settings, f".{form}", scorer=scorer, dtype=dtype))
    return made


def say_left(
    sources: Mapping[str, Source],
    left: Mapping[str, Source],
    folders: Iterable[Folder],
    quiet: bool,
) -> None:
    """Say what is kept, and what is made anew because its image changed."""
    changed = sorted({key for folder in folders for key in folder.changed})
    if changed:
        note(f"{len(changed)} images changed since, {changed[0]} for one: made anew", quiet)
    if len(left) < len(sources):
        note(f"{len(sources) - len(left)} of {len(sources)} are there and kept", quiet)


def say_written(count: int, folders: Iterable[Folder], quiet: bool) -> None:
    """Say what was written."""
    for folder in folders:
        note(f"wrote {count} score maps to {folder.folder}", quiet)
