"""MaskOutputs: what a mask-classification network says of one image, kept for any score."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.core.files import write_atomically
from mdmkit.core.frame import as_array

Size = tuple[int, int]


@dataclass(frozen=True)
class Geometry:
    """How an image lies in the network's input.

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
            size = tuple(int(side) for side in getattr(self, name))
            if len(size) != 2 or min(size) < 1:
                raise InputError(f"{name}: expected a height and a width >= 1, found {size}")
            object.__setattr__(self, name, size)
        if self.content[0] > self.padded[0] or self.content[1] > self.padded[1]:
            raise InputError(
                f"content: expected a size within the padded {self.padded}, found {self.content}"
            )

    @classmethod
    def plain(cls, size: Size) -> Geometry:
        """An image that went into the network as it is."""
        return cls(size, size, size)


def _as_floats(value: Any, name: str, dimensions: int) -> Tensor:
    tensor = value if isinstance(value, Tensor) else torch.from_numpy(as_array(value, name).copy())
    if not tensor.is_floating_point():
        raise InputTypeError(f"{name}: expected floats, found {tensor.dtype}")
    if tensor.ndim != dimensions or 0 in tensor.shape:
        raise InputError(
            f"{name}: expected {dimensions} dimensions, none of them empty, "
            f"found shape {tuple(tensor.shape)}"
        )
    if not bool(torch.isfinite(tensor).all()):
        raise InputError(f"{name}: expected finite values, found NaN or infinity")
    return tensor


def _check_names(names: tuple[str, ...], classes: int) -> None:
    if names and len(names) != classes:
        raise InputError(f"class_names: expected {classes} names, found {len(names)}")


@dataclass(frozen=True)
class MaskOutputs:
    """Class probabilities and masks of one image's object queries.

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

    def __post_init__(self) -> None:
        probabilities = _as_floats(self.class_probabilities, "class_probabilities", 2)
        logits = _as_floats(self.mask_logits, "mask_logits", 3)
        if len(probabilities) != len(logits):
            raise InputError(
                f"mask_logits: expected one mask for each of {len(probabilities)} queries, "
                f"found {len(logits)}"
            )
        if probabilities.device != logits.device:
            raise InputError(
                f"mask_logits: expected them on {probabilities.device}, found {logits.device}"
            )
        sums = probabilities.double().sum(1)
        if bool((probabilities < 0).any()) or bool(((sums - 1).abs() > 1e-2).any()):
            raise InputError(
                "class_probabilities: expected rows of probabilities that sum to 1 (softmax of "
                f"the logits), found sums from {float(sums.min()):.4g} to {float(sums.max()):.4g}"
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

    def to(self, device: str | torch.device) -> MaskOutputs:
        """The same on another device."""
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
        write_atomically(Path(path), lambda partial: _write_archive(partial, arrays))

    @classmethod
    def load(cls, path: str | Path) -> MaskOutputs:
        """Read what `save` wrote.

        Raises
        ------
        InputError
            An unreadable or foreign file; the message names it.
        """
        try:
            with Path(path).open("rb") as file:
                archive = np.load(file, allow_pickle=False)
                sizes = {name: archive[name] for name in ("image", "content", "padded")}
                return cls(
                    archive["class_probabilities"],
                    archive["mask_logits"],
                    Geometry(**{name: (int(s[0]), int(s[1])) for name, s in sizes.items()}),
                    tuple(map(str, archive["class_names"])),
                    checkpoint=str(archive["checkpoint"]),
                )
        except Exception as error:  # a damaged archive may raise anything
            raise InputError(f"{path}: expected outputs of a network, found: {error}") from error


def _write_archive(path: Path, arrays: dict[str, Any]) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


@dataclass(frozen=True)
class DenseOutputs:
    """Class logits of each pixel, from a network without masks (SegFormer and the like).

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
