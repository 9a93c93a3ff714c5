"""ChosenThreshold: a threshold in a small TOML file, for the program that uses it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.arguments import check_kind
from mdmkit.core.errors import InputError, SpoiltError, printable
from mdmkit.core.files import check_output, read_toml, write_text
from mdmkit.core.frame import as_array, as_unit, score_numbers
from mdmkit.core.records import Json
from mdmkit.core.transforms import inverted

_HEAD = """\
# A threshold chosen by mdmkit: a pixel is predicted where its raw score exceeds `raw_threshold`.
# In Python: from mdmkit import read_threshold; read_threshold("{name}").apply(scores)
"""
#: More frames than this are kept as so many quantiles of their shares.
MOST_SHARES = 2000


@dataclass(frozen=True)
class ChosenThreshold:
    """Holds a threshold with all that its use needs, and with what to expect of it.

    Attributes
    ----------
    threshold, raw_threshold : float
        On normalised scores, and the same prediction on scores as they are.
    method : str
    normalizer : dict
        Name, and the constants where they are few.
    requirements : tuple of str
    aggregate : {"pooled", "per_image"}
    min_prediction, min_target : int
        Component sizes in pixels.
    frames : int
        Number of frames that it was chosen on.
    shares : tuple of float
        Share of valid pixels above the threshold in each of these frames, ascending.
    certificate : dict
        Empty where nothing was certified.
    inverted : bool
        Whether 1 - score is judged, as higher scores mean normal.

    Examples
    --------
    >>> from mdmkit import recommend_threshold
    >>> frames = [([[0.1, 0.2, 0.9]], [[0, 0, 1]])] * 2
    >>> chosen = recommend_threshold(frames, require="recall >= 0.9, fpr <= 0.1").chosen
    >>> chosen.threshold, chosen.apply([[0.3, 0.6]])
    (0.55, array([[False,  True]]))
    """

    threshold: float
    raw_threshold: float
    method: str
    normalizer: Mapping[str, Any]
    requirements: tuple[str, ...]
    aggregate: str
    min_prediction: int
    min_target: int
    frames: int
    shares: tuple[float, ...] = field(repr=False)
    certificate: Mapping[str, Any] = field(default_factory=dict)
    inverted: bool = False

    def apply(self, scores: object) -> NDArray[np.bool_]:
        """The prediction of raw scores, of any shape: where they exceed the raw threshold.

        Compared in float64; unsigned integers mean value / maximum. Inverted scores are given as
        they are, and inverted here.

        Raises
        ------
        InputTypeError
            If they are no numbers that scores may be.
        InputError
            If a score is NaN, which exceeds no threshold and would pass for normal.
        """
        raw = score_numbers(as_array(scores, "scores"), "scores")
        if np.isnan(raw).any():
            raise InputError(
                f"expected no NaN, which exceeds no threshold, found {int(np.isnan(raw).sum())}",
                argument="scores",
            )
        return np.asarray(as_unit(inverted(raw) if self.inverted else raw) > self.raw_threshold)

    @property
    def digest(self) -> str:
        """Digest of the settings alone: thresholds that were chosen in the same way share it."""
        sections = self.to_dict()
        settings = {
            "requirements": sections["requirements"],
            "normalizer": self.normalizer.get("name"),
            "confidence": self.certificate.get("confidence"),
            "inverted": self.inverted,
        }
        return sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def fingerprint(self) -> str:
        """Digest of all values, by which a file shows that it is whole."""
        sections = {name: _known(entries) for name, entries in self.to_dict().items()}
        return sha256(json.dumps(sections, sort_keys=True).encode()).hexdigest()[:16]

    def to_dict(self) -> Json:
        """Return the values by section, as in the file."""
        return {
            "threshold": {
                "threshold": self.threshold,
                "raw_threshold": self.raw_threshold,
                "comparison": f"{'1 - score' if self.inverted else 'score'} > raw_threshold",
                "method": self.method,
            },
            "normalizer": dict(self.normalizer),
            "requirements": {
                "all": list(self.requirements),
                "aggregate": self.aggregate,
                "min_prediction": self.min_prediction,
                "min_target": self.min_target,
            },
            "expected": {"frames": self.frames, "shares": list(self.shares)},
            "certificate": dict(self.certificate),
        }

    def write(self, path: str | Path, overwrite: bool = False) -> None:
        """Write the TOML file.

        Raises
        ------
        InputError
            If it exists already, unless `overwrite`.
        """
        output = check_output(path, overwrite, "path")
        write_text(output, self.to_toml(output.name))

    def to_toml(self, name: str = "chosen.toml") -> str:
        """The text of the file."""
        sections = self.to_dict()
        sections["threshold"] |= {"settings": self.digest, "whole": self.fingerprint}
        lines = [_HEAD.format(name=name)]
        for section, entries in sections.items():
            if entries:
                lines.append(f"[{section}]")
                lines += [f"{key} = {_toml(value)}" for key, value in _known(entries).items()]
                lines.append("")
        return "\n".join(lines)


def _known(entries: Mapping[str, object]) -> Json:
    """Drop None, which TOML does not have."""
    return {key: value for key, value in entries.items() if value is not None}


def _toml(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value) if isinstance(value, (str, bool)) else repr(value)


def read_threshold(path: str | Path) -> ChosenThreshold:
    """Read a chosen threshold.

    Parameters
    ----------
    path : path
        A file that `mdmkit threshold --save` or `ChosenThreshold.write` wrote.

    Returns
    -------
    ChosenThreshold

    Raises
    ------
    InputError
        If it is no such file, or was changed by hand.

    Examples
    --------
    >>> import tempfile
    >>> from mdmkit import read_threshold, recommend_threshold
    >>> frames = [([[0.1, 0.2, 0.9]], [[0, 0, 1]])]
    >>> chosen = recommend_threshold(frames, require="recall >= 0.9, fpr <= 0.1").chosen
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     chosen.write(f"{folder}/chosen.toml")
    ...     read_threshold(f"{folder}/chosen.toml") == chosen
    True
    """
    check_kind(path, (str, Path), "path")
    found, name = read_toml(path), printable(str(path))
    try:
        chosen = _chosen(found)
        whole = found["threshold"].get("whole") == chosen.fingerprint
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        found_what = f"no {error}" if isinstance(error, KeyError) else repr(error)
        raise InputError(
            f"{name}: expected a threshold that mdmkit wrote, found {found_what} in it"
        ) from None
    if not whole:
        raise SpoiltError(
            f"{name}: expected the file as it was written, found it changed by hand or damaged; "
            "choose the threshold anew"
        )
    return chosen


def _chosen(found: Json) -> ChosenThreshold:
    own, required = found["threshold"], found["requirements"]
    return ChosenThreshold(
        float(own["threshold"]),
        float(own["raw_threshold"]),
        own["method"],
        found["normalizer"],
        tuple(required["all"]),
        required["aggregate"],
        required["min_prediction"],
        required["min_target"],
        found["expected"]["frames"],
        tuple(map(float, found["expected"]["shares"])),
        found.get("certificate", {}),
        own["comparison"].startswith("1 - "),
    )


def few_of(shares: Sequence[float]) -> tuple[float, ...]:
    """The shares of frames in ascending order; of very many their quantiles."""
    ascending = np.sort(np.asarray(shares, np.float64))
    if ascending.size > MOST_SHARES:
        ascending = np.quantile(ascending, np.linspace(0, 1, MOST_SHARES), method="nearest")
    return tuple(ascending.tolist())
