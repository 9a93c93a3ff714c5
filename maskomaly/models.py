"""Networks: load one by name, folder or file."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import nn

from maskomaly.checkpoints import (
    check_finite,
    digest_of,
    read_checkpoint,
)
from maskomaly.convert import SUFFIXES, read_detectron2
from maskomaly.foreign import what_text_is
from maskomaly.networks import Network, fixed_side
from maskomaly.outputs import DenseOutputs, MaskOutputs
from maskomaly.preprocess import Preprocessing
from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.core.files import as_path

Outputs = MaskOutputs | DenseOutputs

#: Name of the small network in the package, where a source is asked for.
TINY = "tiny"

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


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
        The dtype to compute in; float32 by default, whatever the file stores.
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
    path = packaged_checkpoint() if str(source) == TINY else as_path(source, "source")
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
        chosen = torch.device(device)
    except RuntimeError as error:
        raise InputError(
            f"expected auto, cpu, cuda, cuda:0, ..., found {device!r}", argument="device"
        ) from error
    try:
        torch.empty(0, device=chosen)
    except Exception as error:  # torch built without it, a driver that lacks, no such number
        raise InputError(
            f"expected a device that torch finds here (auto takes a GPU if there is one), found "
            f"{device}: {_brief(error)}",
            argument="device",
        ) from error
    return chosen


def _default_preprocessing(config: object) -> Preprocessing:
    side = fixed_side(config)
    return Preprocessing() if side is None else Preprocessing(side, side, side)
