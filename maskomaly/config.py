"""MaskomalyConfig: thresholds, queries and switches of Algorithm 1, in code and in TOML files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from mdmkit.core.arguments import check_kind
from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.core.files import as_path, checksum, read_text, read_toml, write_text

# No digest of weights looks like this, so that indices bound to it are refused everywhere until
# they are forced or replaced.
SWIN_LARGE_CITYSCAPES = "mask2former-swin-large-cityscapes-semantic"

_UNIT = ("t_mask", "t_border", "eps_border", "lam")
_SWITCHES = ("accept", "reject", "border", "init")
_QUERIES = ("anomaly_queries", "init_queries")
_CHOICES = {
    "mask_comparison": (">=", ">"),
    "border_queries": ("inliers", "non-void"),
    "accept_probability": ("void", "max"),
    "init_probability": ("known", "max"),
    "padding": ("cut", "kept"),
    "resolution": ("input", "mask"),
}


@dataclass(frozen=True, kw_only=True)
class MaskomalyConfig:
    """Holds all settings that decide a Maskomaly score, besides the network's outputs.

    p_n are query n's class probabilities, void last of C + 1, and m_n its mask. All of the
    defaults but the (empty) queries are the `paper` preset's.

    Parameters
    ----------
    t_mask : float in [0, 1]
        T_mask: confidence in a known class from which a mask is an inlier.
    t_border : float in [0, 1]
        T_b: a pixel where two masks are greater than this (strictly) is border.
    eps_border : float in [0, 1]
        eps_b: the rejection term is at most this on border pixels.
    lam : float in [0, 1]
        lambda: weight of the rejection term, the acceptance term having 1 - lambda.
    accept, reject : bool
        The two terms. With one of them off the score is the other alone, without lambda; both off
        is an error.
    border, init : bool
        The border rule, and whether `init_queries` count. Both refine the rejection term: where
        that is off they have nothing to act on, and are ignored.
    anomaly_queries : tuple of int
        A: queries whose masks are accepted as anomalous. Without any the term is 0.
    init_queries : tuple of int
        I_0: queries that are inliers whatever their confidence. This is taken to be the "Init."
        of the paper's ablation, which the paper's poster does not explain.
    mask_comparison : {">=", ">"}
        How confidence compares with `t_mask`.
    border_queries : {"inliers", "non-void"}
        The queries whose masks meet in a border: I, or all whose likeliest class is not void.
    accept_probability : {"void", "max"}
        Weight of an accepted mask: p_n[void], or the largest of all C + 1 probabilities.
    init_probability : {"known", "max"}
        Weight with which a query of I_0 rejects: its largest probability of a known class, or the
        largest of all C + 1, void included.
    padding : {"cut", "kept"}
        Whether the padding of the network's input is cut off before the score is resampled to the
        image, or squeezed into the image with it, which moves every pixel.
    resolution : {"input", "mask"}
        Masks are upsampled to the network's input and combined there, or combined as they are and
        the result upsampled. The latter is faster and another score, not the same up to rounding.
    checkpoint : str
        The weights whose queries the indices name, as in `MaskOutputs.checkpoint`; empty: any.

    Raises
    ------
    InputError
        Values out of range, unknown choices, repeated or negative queries, nothing switched on.

    See Also
    --------
    check_queries : whether the indices may be used with given outputs.

    References
    ----------
    Ackermann, Sakaridis, Yu: Maskomaly: Zero-Shot Mask Anomaly Segmentation. BMVC 2023,
    Algorithm 1. The printed algorithm names no values; these are the authors' release's.

    Examples
    --------
    >>> MaskomalyConfig.preset("release").border_queries
    'non-void'
    >>> MaskomalyConfig(anomaly_queries=(3,), accept=False, reject=False)
    Traceback (most recent call last):
    mdmkit.InputError: accept, reject: expected at least one of the two terms switched on
    """

    t_mask: float = 0.7
    t_border: float = 0.1
    eps_border: float = 0.0
    lam: float = 0.6
    accept: bool = True
    reject: bool = True
    border: bool = True
    init: bool = True
    anomaly_queries: tuple[int, ...] = ()
    init_queries: tuple[int, ...] = ()
    mask_comparison: str = ">="
    border_queries: str = "inliers"
    accept_probability: str = "void"
    init_probability: str = "known"
    padding: str = "cut"
    resolution: str = "input"
    checkpoint: str = ""

    def __post_init__(self) -> None:
        for name in _UNIT:
            object.__setattr__(self, name, _as_unit(getattr(self, name), name))
        for name in _SWITCHES:
            if not isinstance(getattr(self, name), bool):
                raise InputTypeError(
                    f"expected true or false, found {getattr(self, name)!r}", argument=name
                )
        for name in _QUERIES:
            object.__setattr__(self, name, _as_queries(getattr(self, name), name))
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise InputError(
                    f"expected {' or '.join(map(repr, choices))}, found {getattr(self, name)!r}",
                    argument=name,
                )
        if not isinstance(self.checkpoint, str):
            raise InputTypeError(
                f"expected a string, found {self.checkpoint!r}", argument="checkpoint"
            )
        if not (self.accept or self.reject):
            raise InputError("accept, reject: expected at least one of the two terms switched on")

    @property
    def used_anomaly_queries(self) -> tuple[int, ...]:
        """A, or nothing where the acceptance term is off."""
        return self.anomaly_queries if self.accept else ()

    @property
    def used_init_queries(self) -> tuple[int, ...]:
        """I_0, or nothing where it is off or the rejection term is."""
        return self.init_queries if self.reject and self.init else ()

    def with_queries_of(self, source: MaskomalyConfig) -> MaskomalyConfig:
        """These thresholds and switches, with the queries of another config."""
        return replace(
            self,
            anomaly_queries=source.anomaly_queries,
            init_queries=source.init_queries,
            checkpoint=source.checkpoint,
        )

    @classmethod
    def preset(cls, name: str) -> MaskomalyConfig:
        """`paper`: Algorithm 1 as printed; `release`: what the authors' code computes.

        Their queries are those of Mask2Former with Swin-L for Cityscapes (semantic). They are
        refused for any checkpoint, as none can be recognised as that one, until they are forced
        (`check_queries`) or replaced together with `checkpoint`.
        """
        if name not in PRESETS:
            raise InputError(f"expected {' or '.join(PRESETS)}, found {name!r}", argument="preset")
        return PRESETS[name]

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], source: str = "config") -> MaskomalyConfig:
        """Judge named values; keys that are missing keep their defaults.

        Raises
        ------
        InputError
            An unknown key or a bad value; the message begins with `source` and names the key.
        """
        known = [field.name for field in fields(cls)]
        unknown = [key for key in values if key not in known]
        if unknown:
            raise InputError(
                f"{source}: expected keys among {', '.join(known)}; found {', '.join(unknown)}"
            )
        try:
            return cls(**values)
        except InputError as error:
            raise error.inside(source) from error

    @classmethod
    def read(cls, path: str | Path) -> MaskomalyConfig:
        """Read a TOML file of the parameters, by their names here; missing ones are the defaults.

        Raises
        ------
        InputError
            A file that cannot be read, is no TOML or holds a bad key or value; it is named.
        """
        values = read_toml(as_path(path, "path"))
        if not values:
            raise InputError(f"{path}: expected parameters, found none: it is empty or cut off")
        return cls.from_mapping(values, str(path))

    def to_toml(self) -> str:
        """All parameters as TOML; reading it gives the same config."""
        return "".join(
            f"{field.name} = {_toml(getattr(self, field.name))}\n" for field in fields(self)
        )

    def write(self, path: str | Path, head: Iterable[str] = ()) -> None:
        """Write a TOML file that `read` gives back, whole or not at all.

        Below lines of comment, of which the first tells whether the file was changed since: that
        is allowed, see `was_changed`.
        """
        text = "".join(f"# {line}\n" for line in head) + self.to_toml()
        write_text(as_path(path, "path"), f"{_AS_WRITTEN}{checksum({'text': text})}\n{text}")


_AS_WRITTEN = "# as written: "


def was_changed(path: str | Path) -> bool:
    """Whether a file that `MaskomalyConfig.write` wrote is another one now, by hand or by damage.

    Files that say nothing of it, as people write them, were not.
    """
    first, _, text = read_text(path).partition("\n")
    found = first.rpartition(_AS_WRITTEN)[2]
    return first.startswith(_AS_WRITTEN) and found.strip() != checksum({"text": text})


def _as_unit(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise InputTypeError(f"expected a number in [0, 1], found {value!r}", argument=name)
    if not 0 <= value <= 1:  # NaN too
        raise InputError(f"expected a number in [0, 1], found {value!r}", argument=name)
    return float(value)


def _as_queries(value: object, name: str) -> tuple[int, ...]:
    if not isinstance(value, (list, tuple)):
        raise InputTypeError(f"expected a list of query indices, found {value!r}", argument=name)
    for query in value:
        if isinstance(query, bool) or not isinstance(query, (int, np.integer)):
            raise InputTypeError(f"expected query indices, found {query!r}", argument=name)
        if query < 0:
            raise InputError(f"expected query indices >= 0, found {query}", argument=name)
    if len(set(value)) < len(value):
        raise InputError(f"expected each query once, found {list(value)}", argument=name)
    return tuple(map(int, value))


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    # JSON's strings, numbers and booleans are TOML's, once DEL is escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


_PUBLISHED = MaskomalyConfig(
    anomaly_queries=(49, 31, 83, 32),
    init_queries=(19, 24),
    checkpoint=SWIN_LARGE_CITYSCAPES,
)

PRESETS = {
    "paper": _PUBLISHED,
    "release": replace(
        _PUBLISHED,
        mask_comparison=">",
        border_queries="non-void",
        accept_probability="max",
        init_probability="max",
        padding="kept",
    ),
}


def ablation_configs(config: MaskomalyConfig) -> dict[str, MaskomalyConfig]:
    """List the rows of the paper's ablation, in its order, and AR: both terms without the border.

    Parameters
    ----------
    config : MaskomalyConfig
        Everything but the switches is kept.

    Returns
    -------
    dict of str to MaskomalyConfig
        Named by what is switched on: A accept, R reject, B border, I init.

    References
    ----------
    Ackermann, Sakaridis, Yu: Maskomaly: Zero-Shot Mask Anomaly Segmentation. BMVC 2023.

    Examples
    --------
    >>> rows = ablation_configs(MaskomalyConfig(anomaly_queries=(3,)))
    >>> list(rows), rows["RB"].accept, rows["RB"].border
    (['A', 'R', 'RB', 'AR', 'ARB', 'ARBI'], False, True)
    """
    check_kind(config, (MaskomalyConfig,), "config")
    return {row: with_terms(config, row) for row in ("A", "R", "RB", "AR", "ARB", "ARBI")}


def with_terms(config: MaskomalyConfig, terms: str) -> MaskomalyConfig:
    """Switch on the terms whose letters are given, A, R, B and I, and the others off."""
    return replace(
        config, accept="A" in terms, reject="R" in terms, border="B" in terms, init="I" in terms
    )
