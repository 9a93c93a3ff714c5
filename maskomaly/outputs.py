"""MaskOutputs: what a mask-classification network says of one image, kept for any score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mdmkit.core.arguments import as_integer, check_kind
from mdmkit.core.errors import InputError, InputTypeError, SpoiltError
from mdmkit.core.files import as_path, check_regular, is_spoilt, seal, write_atomically
from mdmkit.core.frame import as_array
from mdmkit.core.records import Json
from mdmkit.core.types import Array

Size = tuple[int, int]


@dataclass(frozen=True)
class Geometry:
    """Describes the place of an image in the network's input.

    Parameters
    ----------
    image : (int, int)
        Height and width of the image as it came, in pixels.
    content : (int, int)
        Size to which the image was resized; it fills the input from the top left corner.
    padded : (int, int)
        Size of the network's input; what lies beyond `content` is padding.

    Raises
    ------
    InputError
        A size that is not positive, or `content` beyond `padded`.

    Examples
    --------
    >>> Geometry(image=(720, 1280), content=(1024, 1820), padded=(1024, 1824)).padded
    (1024, 1824)
    >>> Geometry.plain((4, 8)).content
    (4, 8)
    """

    image: Size
    content: Size
    padded: Size

    def __post_init__(self) -> None:
        for name in ("image", "content", "padded"):
            size = getattr(self, name)
            check_kind(size, (tuple, list), name)
            size = tuple(as_integer(side, name, 1, "a height and a width") for side in size)
            if len(size) != 2 or min(size) < 1:
                raise InputError(f"expected a height and a width >= 1, found {size}", argument=name)
            object.__setattr__(self, name, size)
        if self.content[0] > self.padded[0] or self.content[1] > self.padded[1]:
            raise InputError(
                f"expected a size within the padded {self.padded}, found {self.content}",
                argument="content",
            )

    @classmethod
    def plain(cls, size: Size) -> Geometry:
        """An image that went into the network as it is."""
        return cls(size, size, size)


def _as_held(value: Sequence[int], queries: int) -> tuple[int, ...]:
    held = tuple(int(query) for query in value)
    if len(set(held)) < len(held) or any(not 0 <= query < queries for query in held):
        raise InputError(
            f"expected different indices below the {queries} queries, found {held}", argument="held"
        )
    return held


def _as_tensor(array: Array, name: str) -> Tensor:
    if array.dtype.kind != "f":
        raise InputTypeError(f"expected floats, found {array.dtype}", argument=name)
    return torch.from_numpy(array.copy())


def _as_floats(value: object, name: str, dimensions: int, may_be_empty: bool = False) -> Tensor:
    tensor = value if isinstance(value, Tensor) else _as_tensor(as_array(value, name), name)
    if not tensor.is_floating_point():
        raise InputTypeError(f"expected floats, found {tensor.dtype}", argument=name)
    if tensor.ndim != dimensions or (0 in tensor.shape and not may_be_empty):
        raise InputError(
            f"expected {dimensions} dimensions, none of them empty, "
            f"found shape {tuple(tensor.shape)}",
            argument=name,
        )
    if not bool(torch.isfinite(tensor).all()):
        raise InputError("expected finite values, found NaN or infinity", argument=name)
    return tensor


def _check_names(names: tuple[str, ...], classes: int) -> None:
    if names and len(names) != classes:
        raise InputError(f"expected {classes} names, found {len(names)}", argument="class_names")


@dataclass(frozen=True)
class MaskOutputs:
    """Holds class probabilities and masks of one image's object queries.

    Parameters
    ----------
    class_probabilities : Tensor or array, float, (N, C + 1)
        p_n: each query's softmax over the C classes and void, void last.
    mask_logits : Tensor or array, float, (N, h, w)
        Logits of the masks, m_n = sigmoid of them; a quarter of the network's input for
        Mask2Former. On the same device.
    geometry : Geometry
        Sizes of image and network input.
    class_names : tuple of str
        Names of the C classes, or empty.
    checkpoint : str
        Digest of the network's weights, or empty: query indices belong to one checkpoint.
    held : tuple of int, optional
        The queries whose masks there are, in the order of `mask_logits`; by default all N. Class
        probabilities are those of all queries in any case.

    Raises
    ------
    InputError
        Shapes that do not fit, values that are not finite, rows that do not sum to 1.

    Examples
    --------
    Two queries, one class and void, masks of 1 x 2:

    >>> outputs = MaskOutputs(
    ...     [[0.9, 0.1], [0.2, 0.8]], [[[4.0, -4.0]], [[-4.0, 4.0]]], Geometry.plain((1, 2))
    ... )
    >>> outputs.queries, outputs.classes, outputs.is_void.tolist()
    (2, 1, [False, True])
    """

    class_probabilities: Tensor
    mask_logits: Tensor
    geometry: Geometry
    class_names: tuple[str, ...] = ()
    checkpoint: str = field(default="", kw_only=True)
    held: tuple[int, ...] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        probabilities = _as_floats(self.class_probabilities, "class_probabilities", 2)
        if self.held is not None:
            object.__setattr__(self, "held", _as_held(self.held, len(probabilities)))
        logits = _as_floats(self.mask_logits, "mask_logits", 3, may_be_empty=self.held == ())
        expected = len(probabilities) if self.held is None else len(self.held)
        if len(logits) != expected:
            raise InputError(
                f"expected one mask for each of {expected} queries, found {len(logits)}",
                argument="mask_logits",
            )
        if probabilities.device != logits.device:
            raise InputError(
                f"expected them on {probabilities.device}, found {logits.device}",
                argument="mask_logits",
            )
        sums = probabilities.double().sum(1)
        if bool((probabilities < 0).any()) or bool(((sums - 1).abs() > 1e-2).any()):
            raise InputError(
                "expected rows of probabilities that sum to 1 (softmax of "
                f"the logits), found sums from {float(sums.min()):.4g} to {float(sums.max()):.4g}",
                argument="class_probabilities",
            )
        object.__setattr__(self, "class_probabilities", probabilities)
        object.__setattr__(self, "mask_logits", logits)
        object.__setattr__(self, "class_names", tuple(self.class_names))
        _check_names(self.class_names, self.classes)

    @property
    def queries(self) -> int:
        """N, how many object queries there are."""
        return len(self.class_probabilities)

    @property
    def classes(self) -> int:
        """C, how many known classes there are; void is not one."""
        return self.class_probabilities.shape[1] - 1

    @property
    def void(self) -> Tensor:
        """p_n[void] of each query, (N,)."""
        return self.class_probabilities[:, -1]

    @property
    def confidence(self) -> Tensor:
        """Largest probability of a known class, max over l <= C of p_n[l], (N,)."""
        return self.class_probabilities[:, :-1].amax(1)

    @property
    def is_void(self) -> Tensor:
        """Queries whose likeliest class is void, bool (N,)."""
        return self.class_probabilities.argmax(1) == self.classes

    def masks_of(self, queries: Sequence[int]) -> Tensor:
        """Mask logits of some queries, (K, h, w), in their order.

        Raises
        ------
        InputError
            A query whose mask was not kept.
        """
        if self.held is None:
            everything = len(queries) == self.queries and list(queries) == list(range(self.queries))
            return self.mask_logits if everything else self.mask_logits[list(queries)]
        place = {query: k for k, query in enumerate(self.held)}
        self.check_held(queries)
        return self.mask_logits[[place[query] for query in queries]]

    def check_held(self, queries: Sequence[int]) -> None:
        """Refuse queries whose masks were not kept.

        Raises
        ------
        InputError
        """
        lacking = [] if self.held is None else sorted(set(queries).difference(self.held))
        if lacking:
            raise InputError(
                f"expected the mask of query {lacking[0]}, found those of "
                f"{len(self.held or ())} of {self.queries} queries, which acted when they were "
                "saved; save all masks (maskomaly predict --save-outputs all) for other thresholds "
                "and scores",
                argument="outputs",
            )

    @property
    def all_masks(self) -> Tensor:
        """Mask logits of all N queries, (N, h, w)."""
        return self.masks_of(range(self.queries))

    def compact(self, queries: Sequence[int] | None = None) -> MaskOutputs:
        """The masks of some queries, of all by default, rounded to float16.

        Scores change by less than 1e-3 (float16 has 11 bits), and need no other masks.
        """
        chosen = range(self.queries) if queries is None else queries
        # Beyond this no sigmoid differs from 0 or 1, and float16 ends at 65504.
        logits = self.masks_of(chosen).clamp(-1e4, 1e4).half()
        return replace(self, mask_logits=logits, held=None if queries is None else tuple(queries))

    def to(self, device: str | torch.device) -> MaskOutputs:
        """Copy the outputs to another device."""
        return replace(
            self,
            class_probabilities=self.class_probabilities.to(device),
            mask_logits=self.mask_logits.to(device),
        )

    def save(self, path: str | Path) -> None:
        """Write one `.npz`, whole or not at all; dtypes are kept, so that scores are the same."""
        arrays = {
            "class_probabilities": as_array(self.class_probabilities, "class_probabilities"),
            "mask_logits": as_array(self.mask_logits, "mask_logits"),
            "image": np.array(self.geometry.image),
            "content": np.array(self.geometry.content),
            "padded": np.array(self.geometry.padded),
            "class_names": np.array(self.class_names, dtype=str),
            "checkpoint": np.array(self.checkpoint, dtype=str),
        }
        if self.held is not None:
            arrays["held"] = np.array(self.held, dtype=np.int64)
        write_atomically(as_path(path, "path"), lambda partial: _write_archive(partial, arrays))

    @classmethod
    def load(cls, path: str | Path, masks: bool = True) -> MaskOutputs:
        """Read what `save` wrote.

        Parameters
        ----------
        path : path
        masks : bool
            False reads everything but the masks, which are 1 x 1 zeros then: quick to ask what a
            file holds.

        Raises
        ------
        InputError
            An unreadable or foreign file; the message names it.
        """
        place = as_path(path, "path")
        check_regular(place)
        if place.is_file() and is_spoilt(place):
            raise SpoiltError(f"{place}: expected the file as it was written, found it damaged")
        try:
            with place.open("rb") as file:
                archive = np.load(file, allow_pickle=False)
                sizes = {name: archive[name] for name in ("image", "content", "padded")}
                probabilities = archive["class_probabilities"]
                held = tuple(archive["held"]) if "held" in archive else None
                count = len(probabilities) if held is None else len(held)
                return cls(
                    probabilities,
                    archive["mask_logits"] if masks else torch.zeros((count, 1, 1)),
                    Geometry(**{name: (int(s[0]), int(s[1])) for name, s in sizes.items()}),
                    tuple(map(str, archive["class_names"])),
                    checkpoint=str(archive["checkpoint"]),
                    held=held,
                )
        except Exception as error:  # a damaged archive may raise anything
            raise InputError(f"{path}: expected outputs of a network, found: {error}") from error


def _write_archive(path: Path, arrays: Json) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)
    seal(path)


@dataclass(frozen=True)
class DenseOutputs:
    """Holds the class logits of each pixel, from a network without masks (SegFormer and the like).

    Parameters
    ----------
    class_logits : Tensor or array, float, (C, h, w)
    geometry : Geometry
    class_names : tuple of str
        Names of the C classes, or empty.

    Raises
    ------
    InputError
        An unfit shape, values that are not finite, names that do not fit.

    Examples
    --------
    >>> from maskomaly import score
    >>> outputs = DenseOutputs([[[9.0, 0.0]], [[0.0, 0.0]]], Geometry.plain((1, 2)))
    >>> score(outputs, "msp").round(decimals=3).tolist()
    [[0.0, 0.5]]
    """

    class_logits: Tensor
    geometry: Geometry
    class_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        logits = _as_floats(self.class_logits, "class_logits", 3)
        object.__setattr__(self, "class_logits", logits)
        object.__setattr__(self, "class_names", tuple(self.class_names))
        _check_names(self.class_names, len(logits))
