"""Network: a loaded segmentation network, and how it runs on images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from time import time_ns
from typing import Any

import torch
from torch import Tensor, nn

from maskomaly.checkpoints import MASK_FAMILIES, SQUARE_FAMILIES, task_of
from maskomaly.outputs import DenseOutputs, Geometry, MaskOutputs
from maskomaly.preprocess import SETTINGS_FILE, ImageLike, Preprocessing
from maskomaly.streaming import in_like_batches, work_ahead
from mdmkit.core.errors import InputError, InputTypeError

Outputs = MaskOutputs | DenseOutputs
#: Number of an image in the stream, its pixels for the network, and its sizes.
Prepared = tuple[int, Tensor, Geometry]

# "the task is semantic" in the vocabulary of CLIP, with its start and end tokens. OneFormer takes
# the numbers themselves, followed by zeros; every checkpoint of it has this vocabulary.
_SEMANTIC_TASK = (49406, 518, 10549, 533, 29119, 1550, 49407)


class ImageError(InputError):
    """An image of a stream that the network cannot take, or gives no numbers for.

    Parameters
    ----------
    place : int
        Its number in the stream.
    reason : str
    """

    def __init__(self, place: int, reason: str) -> None:
        super().__init__(reason, argument=f"images[{place}]")
        self.place, self.reason = place, reason


class ImageTypeError(ImageError, InputTypeError):
    """An image of a stream that is none."""


@dataclass(frozen=True)
class Network:
    """A segmentation network that is ready to run.

    Parameters
    ----------
    model : torch module
        Of transformers, in inference mode.
    preprocessing : Preprocessing
        The preparation of its images.
    source : str
        The folder, file or name that it was loaded from.
    digest : str
        SHA-256 of the weights; query indices belong to one digest. The same for one checkpoint
        whichever way, in whichever dtype and onto whichever device it was loaded.

    See Also
    --------
    load_model : makes one.

    Examples
    --------
    >>> import numpy as np
    >>> from maskomaly import load_model
    >>> network = load_model("tiny", device="cpu")
    >>> network.family, network.has_masks, network.class_names[:3]
    ('mask2former', True, ('road', 'sidewalk', 'building'))
    >>> (outputs,) = network.predict([np.zeros((128, 256, 3), np.uint8)])
    >>> outputs.queries, outputs.geometry.image
    (40, (128, 256))
    """

    model: nn.Module = field(repr=False)
    preprocessing: Preprocessing
    source: str
    digest: str

    @cached_property
    def config(self) -> Any:
        """The network's own configuration, of transformers."""
        return self.model.config

    @property
    def family(self) -> str:
        """Model type of transformers: mask2former, segformer, ..."""
        return str(self.config.model_type)

    @property
    def has_masks(self) -> bool:
        """Whether it proposes masks (MaskOutputs) or classifies pixels (DenseOutputs)."""
        return self.family in MASK_FAMILIES

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """Names of the C known classes, in the order of the logits; void, the last, has none."""
        labels = self.config.id2label
        return tuple(str(labels[index]) for index in sorted(labels))

    @property
    def note(self) -> str | None:
        """A remark to read before its scores are believed, or None."""
        task = task_of(self.class_names)
        if task is None:
            return None
        return (
            f"{self.source}: {len(self.class_names)} classes, as of {task}; what it was taught is "
            "never anomalous (Cityscapes semantic has 19 classes)"
        )

    @property
    def names_its_input(self) -> bool:
        """Whether its folder says how images are prepared; else that is assumed."""
        return (Path(self.source) / SETTINGS_FILE).is_file()

    @property
    def square(self) -> int | None:
        """Side of the only square that it takes, if it takes but one."""
        return fixed_side(self.config)

    @property
    def device(self) -> torch.device:
        """The device that it runs on."""
        return next(self.model.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """The dtype that it computes in."""
        return next(self.model.parameters()).dtype

    @property
    def queries(self) -> int:
        """N, how many object queries it has; 0 for a network without masks."""
        if not self.has_masks:
            return 0
        return int(getattr(self.config, "decoder_config", self.config).num_queries)

    def compiled(self) -> Network:
        """Compile the network by `torch.compile` on its first images of each size.

        Raises
        ------
        InputError
            Where torch cannot compile for this device, as without a C++ compiler.
        """
        check_compiler(self.device)
        compiled: Any = torch.compile(self.model)
        return replace(self, model=compiled)

    def predict(
        self,
        images: Iterable[ImageLike],
        *,
        batch_size: int = 4,
        autocast: torch.dtype | None = None,
    ) -> list[Outputs]:
        """Run the network on images, and keep all of its outputs.

        Parameters
        ----------
        images : iterable of PIL images or uint8 arrays (H, W, 3), RGB
            Of any sizes. Images whose inputs have one size go through together; none is padded
            to another's size, as that would change its result.
        batch_size : int
            At most this many at once. It does not change results beyond rounding.
        autocast : torch.dtype, optional
            Compute what may be computed so in this dtype (torch.bfloat16); off by default.

        Returns
        -------
        list of MaskOutputs, or of DenseOutputs for networks without masks
            In the order of the images, float32, on the network's device.

        Raises
        ------
        InputError
            An image that cannot be used (see `as_rgb`), named by its place in the list; values
            that are not finite (float16 may overflow: use float32 or bfloat16).

        See Also
        --------
        Network.stream : holds few outputs at once.
        """
        return list(self.stream(images, batch_size=batch_size, autocast=autocast))

    def stream(
        self,
        images: Iterable[ImageLike],
        *,
        batch_size: int = 4,
        autocast: torch.dtype | None = None,
    ) -> Iterator[Outputs]:
        """Run the network on any number of images, and yield the outputs of each in order.

        Images are resized and normalised in threads while the network runs. At most
        2 * batch_size + 2 images are held, as inputs or as outputs, and partners of one input size
        are sought among them.

        Parameters
        ----------
        images, batch_size, autocast
            As in `predict`; the images may come from a generator.

        Yields
        ------
        MaskOutputs, or DenseOutputs for networks without masks

        Raises
        ------
        InputError
            As `predict`, once the images before are through.
        """
        if batch_size < 1:
            raise InputError(
                f"expected a whole number >= 1, found {batch_size}", argument="batch_size"
            )
        window = 2 * batch_size + 2
        prepared = work_ahead(enumerate(images), lambda item: self._prepare(*item), window)
        return in_like_batches(
            prepared,
            lambda item: item[2].padded,
            lambda items: self._run(items, autocast),
            batch_size,
            window,
        )

    def _prepare(self, place: int, image: ImageLike) -> Prepared:
        try:
            pixels, geometry = self.preprocessing(image)
        except InputTypeError as error:
            raise ImageTypeError(place, str(error)) from error
        except InputError as error:
            raise ImageError(place, str(error)) from error
        side = self.square
        if side is not None and geometry.padded != (side, side):
            raise ImageError(
                place,
                f"this {self.family} network takes {side} x {side} pixels, "
                f"the preprocessing gives {geometry.padded[0]} x {geometry.padded[1]}",
            )
        return place, pixels, geometry

    def _run(self, items: Sequence[Prepared], autocast: torch.dtype | None) -> Iterator[Outputs]:
        pixels = torch.stack([each for _, each, _ in items]).to(self.device, self.dtype)
        inputs = {"pixel_values": pixels}
        if self.family == "videomt":  # each image is a video of one frame
            inputs = {"pixel_values_videos": pixels[:, None]}
        if self.family == "oneformer":
            task = torch.zeros(len(pixels), self.config.task_seq_len, device=self.device)
            task[:, : len(_SEMANTIC_TASK)] = torch.tensor(_SEMANTIC_TASK)
            inputs["task_inputs"] = task
        casting = torch.autocast(self.device.type, autocast) if autocast else nullcontext()
        with torch.inference_mode(), casting:
            raw = self.model(**inputs)
        for number, (place, _, geometry) in enumerate(items):
            try:
                yield self._outputs_of(raw, number, geometry)
            except InputError as error:  # NaN, as a rule
                narrow = autocast or (self.dtype if self.dtype != torch.float32 else None)
                hint = f"; float32 has a wider range than {narrow}" if narrow else ""
                raise ImageError(
                    place, f"expected finite outputs of the network, found: {error}{hint}"
                ) from error

    def _outputs_of(self, raw: Any, number: int, geometry: Geometry) -> Outputs:
        """Take the outputs of one image of a batch.

        Copies, made outside inference mode: an output that is kept holds no other image's memory,
        and scores of it may be trained on.
        """
        if not self.has_masks:
            return DenseOutputs(raw.logits[number].float().clone(), geometry, self.class_names)
        return MaskOutputs(
            raw.class_queries_logits[number].float().clone().softmax(-1),
            raw.masks_queries_logits[number].float().clone(),
            geometry,
            self.class_names,
            checkpoint=self.digest,
        )


def check_compiler(device: torch.device) -> None:
    """Compile next to nothing, so that a compiler that lacks is told before images are read.

    Raises
    ------
    InputError
    """
    size = 2 + time_ns() % 99_991  # a new one, which no cache of earlier runs answers
    try:
        torch.compile(torch.neg)(torch.zeros(size, device=device))
    except Exception as error:  # of dynamo, inductor, the compiler: anything
        reason = next((line for line in str(error).splitlines() if line.strip()), repr(error))
        needed = "a C++ compiler (g++ or clang++)" if device.type == "cpu" else "Triton"
        raise InputError(
            f"expected {needed}, which torch.compile needs on {device.type}, found: {reason}; "
            "install it, or do without",
            argument="compile",
        ) from error


def fixed_side(config: Any) -> int | None:
    """Side of the only square that a network takes: EoMT's positions are learnt, one a patch."""
    if config.model_type not in SQUARE_FAMILIES:
        return None
    side = config.image_size
    return int(side if isinstance(side, int) else side[0])
