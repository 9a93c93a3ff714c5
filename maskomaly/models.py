"""Networks: load one by name, folder or file, and run it on images."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from maskomaly.checkpoints import (
    MASK_FAMILIES,
    SQUARE_FAMILIES,
    check_finite,
    digest_of,
    read_checkpoint,
    task_of,
)
from maskomaly.convert import SUFFIXES, read_detectron2
from maskomaly.foreign import what_text_is
from maskomaly.outputs import DenseOutputs, Geometry, MaskOutputs
from maskomaly.preprocess import SETTINGS_FILE, ImageLike, Preprocessing
from maskomaly.streaming import in_like_batches, work_ahead
from mdmkit.core.errors import InputError, InputTypeError

Outputs = MaskOutputs | DenseOutputs

# "the task is semantic" in the vocabulary of CLIP, with its start and end tokens. OneFormer takes
# the numbers themselves, followed by zeros; every checkpoint of it has this vocabulary.
_SEMANTIC_TASK = (49406, 518, 10549, 533, 29119, 1550, 49407)

#: Name of the small network in the package, where a source is asked for.
TINY = "tiny"

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


@dataclass(frozen=True)
class Network:
    """A segmentation network, ready to run.

    Parameters
    ----------
    model : torch module
        Of transformers, in inference mode.
    preprocessing : Preprocessing
        What its images go through.
    source : str
        Where it came from.
    digest : str
        SHA-256 of the weights; query indices belong to one digest. The same for one checkpoint
        whichever way, in whichever dtype and onto whichever device it was loaded.

    See Also
    --------
    load_model : makes one.

    Examples
    --------
    >>> import numpy as np
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
        """What one should know of it before its scores are believed."""
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
        return _fixed_side(self.config)

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return next(self.model.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """In what it computes."""
        return next(self.model.parameters()).dtype

    @property
    def queries(self) -> int:
        """N, how many object queries it has; 0 for a network without masks."""
        if not self.has_masks:
            return 0
        return int(getattr(self.config, "decoder_config", self.config).num_queries)

    def compiled(self) -> Network:
        """The same, compiled by `torch.compile` on its first images of each size."""
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
            lambda item: item[1].padded,
            lambda items: self._run(items, autocast),
            batch_size,
            window,
        )

    def _prepare(self, place: int, image: ImageLike) -> tuple[Tensor, Geometry]:
        try:
            pixels, geometry = self.preprocessing(image)
        except InputTypeError as error:
            raise InputTypeError(f"images[{place}]: {error}") from error
        except InputError as error:
            raise InputError(f"images[{place}]: {error}") from error
        side = self.square
        if side is not None and geometry.padded != (side, side):
            raise InputError(
                f"images[{place}]: this {self.family} network takes {side} x {side} pixels, "
                f"the preprocessing gives {geometry.padded[0]} x {geometry.padded[1]}"
            )
        return pixels, geometry

    def _run(
        self, items: Sequence[tuple[Tensor, Geometry]], autocast: torch.dtype | None
    ) -> Iterator[Outputs]:
        pixels = torch.stack([each for each, _ in items]).to(self.device, self.dtype)
        geometries = [geometry for _, geometry in items]
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
        # Copies, made outside inference mode: an output that is kept holds no other image's
        # memory, and scores of it may be trained on.
        if not self.has_masks:
            for logits, geometry in zip(raw.logits, geometries, strict=True):
                yield DenseOutputs(logits.float().clone(), geometry, self.class_names)
            return
        queries = zip(raw.class_queries_logits, raw.masks_queries_logits, geometries, strict=True)
        for logits, masks, geometry in queries:
            probabilities = logits.float().clone().softmax(-1)
            yield MaskOutputs(
                probabilities, masks.float().clone(), geometry, self.class_names,
                checkpoint=self.digest,
            )  # fmt: skip


def load_model(
    source: str | Path,
    *,
    device: str | torch.device = "auto",
    dtype: torch.dtype = torch.float32,
    revision: str | None = None,
    preprocessing: Preprocessing | None = None,
) -> Network:
    """Load a segmentation network.

    Families of transformers: Mask2Former, MaskFormer, OneFormer (asked for the semantic task; no
    tokenizer is needed), EoMT, its form on DINOv3, and VidEoMT (each image a video of one frame)
    propose masks; SegFormer and UperNet classify pixels.

    Parameters
    ----------
    source : str or Path
        A folder that `save_pretrained` wrote; a Mask2Former checkpoint of detectron2 (`.pkl`, or
        `.pth` as training writes it); a model's name on the Hugging Face hub; or "tiny", the small
        network in the package (a folder of that name is "./tiny").
    device : str or torch.device
        "auto" takes a GPU if there is one.
    dtype : torch.dtype
        In what to compute. Whatever the file stores, float32 by default.
    revision : str, optional
        Branch, tag or commit of a model on the hub.
    preprocessing : Preprocessing, optional
        By default what the folder's maskomaly.json says; else the paper's (shortest edge 1024,
        longest at most 2048), or, for networks of one input size (EoMT, VidEoMT), the whole image
        fitted into that square.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        Nothing there, a checkpoint that is damaged, incomplete, of another family or that brings
        code of its own (which is never run; pickled files may hold tensors only). The message
        names the source and the next step.

    Examples
    --------
    >>> load_model("tiny", device="cpu").preprocessing.shortest_edge is None  # streets as drawn
    True
    """
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise InputTypeError(f"expected a floating torch.dtype, found {dtype!r}", argument="dtype")
    place = choose_device(device)
    path = packaged_checkpoint() if str(source) == TINY else Path(source)
    if path.is_file():
        if path.suffix not in SUFFIXES:
            raise InputError(
                f"{path}: expected a folder, or a file of {' or '.join(SUFFIXES)}; for a file of "
                "transformers pass the folder that holds it"
            )
        model = read_detectron2(path)
    elif path.is_dir():
        model = _read_folder(path, revision)
        preprocessing = preprocessing or Preprocessing.load(path)
    else:
        model = _read_hub(str(source), revision)
    check_finite(str(path), model.state_dict())
    digest = digest_of(model.state_dict())  # before a cast could change it
    preprocessing = preprocessing or _default_preprocessing(model.config)
    return Network(model.to(place, dtype).eval(), preprocessing, str(path), digest)


def packaged_checkpoint() -> Path:
    """The folder of the small network in the package."""
    from maskomaly.tiny.network import CHECKPOINT

    return CHECKPOINT


def _read_folder(folder: Path, revision: str | None) -> nn.Module:
    if revision is not None:
        raise InputError(
            f"expected none with the folder {folder}, found {revision!r}", argument="revision"
        )
    if not (folder / "config.json").is_file():
        raise InputError(
            f"{folder}: expected a folder that save_pretrained wrote, found no config.json in it"
        )
    for file in sorted(folder.glob("*.safetensors")) + sorted(folder.glob("*.bin")):
        text = what_text_is(file)
        if text is not None:
            raise InputError(f"{file}: expected the network's weights, found {text}")
    try:
        return read_checkpoint(str(folder))
    except InputError:
        raise
    except Exception as error:  # a damaged checkpoint may raise anything
        raise InputError(
            f"{folder}: expected a folder that save_pretrained wrote, with config.json and "
            f"model.safetensors, found: {_brief(error)}"
        ) from error


def _read_hub(name: str, revision: str | None) -> nn.Module:
    if not _HUB_ID.fullmatch(name) or Path(name).suffix in SUFFIXES:
        raise InputError(
            f"{name}: expected a folder that save_pretrained wrote, a file of "
            f"{' or '.join(SUFFIXES)}, or a model's name on the hub; no such file or folder"
        )
    try:
        return read_checkpoint(name, revision)
    except InputError:
        raise
    except Exception as error:  # the network, the hub, its files: anything
        raise InputError(
            f"{name}: expected a folder, a file of {' or '.join(SUFFIXES)}, or a model's name on "
            f"the hub; there is no such path, and the hub gave: {_brief(error)}\n"
            "  next: check the name and the connection, or download the model on a machine with "
            "one and pass its folder"
        ) from error


def _brief(error: Exception) -> str:
    """An error of a library on one line, as theirs go on over many."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else f"{text[:300]} ..."


def choose_device(device: str | torch.device) -> torch.device:
    """The device of that name; "auto" is a GPU if there is one."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.device(device)
    except RuntimeError as error:
        raise InputError(
            f"expected auto, cpu, cuda, cuda:0, ..., found {device!r}", argument="device"
        ) from error


def _fixed_side(config: Any) -> int | None:
    """Side of the only square that a network takes: EoMT's positions are learnt, one a patch."""
    if config.model_type not in SQUARE_FAMILIES:
        return None
    side = config.image_size
    return int(side if isinstance(side, int) else side[0])


def _default_preprocessing(config: Any) -> Preprocessing:
    side = _fixed_side(config)
    return Preprocessing() if side is None else Preprocessing(side, side, side)
