"""Parts that `predict` and `score` share: scores by name, and the folders of their maps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from maskomaly.cli.groups import Chosen, ScoreMaps
from mdmkit.cli.terminal import note
from mdmkit.core.errors import InputError

if TYPE_CHECKING:
    from maskomaly.config import MaskomalyConfig
    from maskomaly.images import Source
    from maskomaly.instances import InstanceMasks
    from maskomaly.score_maps import Destination, Folder

FORMATS = ("hdf5", "npy")


def split_names(names: str) -> tuple[str, ...]:
    """Scores of a list with commas, each known and named once."""
    from maskomaly.scores import check_score

    found: list[str] = []
    for name in (part.strip() for part in names.split(",")):
        check_score(name)
        if name in found:
            raise InputError(f"expected each score once, found {name!r} again", argument="score")
        found.append(name)
    return tuple(found)


def check_form(form: str, dtype: str) -> None:
    """Refuse unknown kinds of files and numbers."""
    from maskomaly.score_maps import SCORE_DTYPES

    if form not in FORMATS:
        raise InputError(f"expected {' or '.join(FORMATS)}, found {form!r}", argument="format")
    if dtype not in SCORE_DTYPES:
        raise InputError(f"expected {' or '.join(SCORE_DTYPES)}, found {dtype!r}", argument="dtype")


@dataclass(frozen=True)
class Asked:
    """Score maps that were asked for, by names that are known."""

    maps: ScoreMaps
    base: Chosen
    names: tuple[str, ...]
    masks: InstanceMasks | None

    @classmethod
    def of(cls, maps: ScoreMaps, base: Chosen) -> Asked:
        """Check the options; those that mean nothing are refused."""
        from maskomaly.instances import InstanceMasks

        names = split_names(maps.score)
        check_form(maps.format, maps.dtype)
        masks = None if maps.instances is None else InstanceMasks(maps.instances)
        return cls(maps, base, names, masks)

    def check_frames(self, keys: Iterable[str]) -> None:
        """Refuse frames without the instance masks that were asked for."""
        if self.masks is not None:
            self.masks.check(list(keys))

    @property
    def folders(self) -> dict[str, Path]:
        """Choose the folder of one score, or a folder below it for each of several."""
        output = self.maps.output
        return {name: output if len(self.names) == 1 else output / name for name in self.names}

    @property
    def instances(self) -> str | None:
        """Digest of the instance masks, and when they changed."""
        return self.masks.digest if self.masks else None

    def destinations(
        self, config: MaskomalyConfig, common: Mapping[str, object]
    ) -> list[Destination]:
        """A destination for each score, with the settings that decide it."""
        from maskomaly.score_maps import Destination
        from maskomaly.scores import SCORES, score

        force = self.base.force_queries
        made = []
        for name, folder in self.folders.items():
            settings = {**common, "score": name}
            if self.masks is not None:
                settings["instances"] = self.instances
            if SCORES[name].configured:
                settings["config"] = config.to_toml().splitlines()
            made.append(
                Destination(
                    folder,
                    settings,
                    f".{self.maps.format}",
                    scorer=partial(score, name=name, config=config, force_queries=force),
                    dtype=self.maps.dtype,
                    refine=self.masks.average if self.masks else None,
                )
            )
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
