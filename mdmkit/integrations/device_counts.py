"""Pixels counted by score and class on the device that holds them, without waiting for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.core.labels import ANOMALOUS, IGNORED, NORMAL, UNKNOWN, LabelCodes
from mdmkit.integrations.device_keys import KEYS, keys_of

#: Pixels that are looked at at once: few stay in the cache of a CPU; about 40 bytes each.
CHUNK, CHUNK_OF_CPU = 2**23, 2**17
#: Keys of scores outside [0, 1].
_BELOW, _ABOVE = 0, KEYS - 2

_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_UNSIGNED = (torch.uint8, torch.uint16, torch.uint32, torch.uint64)
_LABELS = (*_UNSIGNED, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool)
_NONE_BELOW = int(np.float64(np.inf).view(np.int64))
_NONE_ABOVE = -1

Part = tuple[Tensor, Tensor, Tensor | None]


def score_bits(scores: Tensor) -> Tensor:
    """Float64 scores >= 0 as int64 which are ordered as they are."""
    return (scores + 0.0).view(torch.int64)  # -0.0 becomes 0.0


def scores_of_bits(bits: Tensor) -> Tensor:
    """The inverse of `score_bits`; inf and -inf for what `Tally.empty` holds."""
    return bits.clamp(min=0).view(torch.float64).masked_fill(bits < 0, -torch.inf)


@dataclass(frozen=True)
class Tally:
    """Counts of pixels, all int64, so that they add up in any order to the same bits.

    Attributes
    ----------
    counts : Tensor, shape (2, KEYS)
        Anomalous and normal pixels with scores in [0, 1], by key.
    lowest, highest : Tensor, shape (KEYS / 2,)
        Bits of the least and greatest score strictly inside each bin.
    refused : Tensor, shape (2,)
        Pixels that were not counted: labels without a meaning; scores outside [0, 1], NaN too.
    """

    counts: Tensor
    lowest: Tensor
    highest: Tensor
    refused: Tensor

    @classmethod
    def empty(cls) -> Tally:
        """No pixels."""
        return cls(
            torch.zeros((2, KEYS), dtype=torch.int64),
            torch.full((KEYS // 2,), _NONE_BELOW, dtype=torch.int64),
            torch.full((KEYS // 2,), _NONE_ABOVE, dtype=torch.int64),
            torch.zeros(2, dtype=torch.int64),
        )

    @classmethod
    def of(
        cls, scores: Tensor, target: Tensor, ignore: Tensor | None, table: Tensor, codes: LabelCodes
    ) -> Tally:
        """Count maps that `as_maps` has seen; `table` is that of `codes`, on their device."""
        if scores.dtype == torch.bool:
            scores = scores.byte() * 255
        parts = _in_parts(scores, target, ignore)
        if scores.dtype.itemsize <= 2:
            return cls._of_codes(scores.dtype, parts, table, codes)
        return cls._of_pixels(scores, parts, table, codes)

    @classmethod
    def _of_codes(
        cls, dtype: torch.dtype, parts: Iterator[Part], table: Tensor, codes: LabelCodes
    ) -> Tally:
        """Scores of up to 16 bits: counted by their bits, of which there are few."""
        integer = torch.uint8 if dtype.itemsize == 1 else torch.int16
        low, high = torch.iinfo(integer).min, torch.iinfo(integer).max + 1
        n = high - low
        by_class = torch.zeros(4 * n, dtype=torch.int64, device=table.device)
        for scores, labels, hidden in parts:
            slots = scores.view(integer).long().sub_(low)
            slots += classes_of(labels, hidden, table, codes, step=n)
            _count(by_class, slots)
        bits = torch.arange(low, high, dtype=torch.int32, device=table.device).to(integer)
        values = _as_unit(bits.view(dtype)).double()
        weights = by_class.view(4, n)
        counts = torch.zeros((4, KEYS), dtype=torch.int64, device=table.device)
        keys = keys_of(values)
        counts.scatter_add_(1, keys.expand(4, -1), weights)
        raw, bins = score_bits(values), keys >> 1
        elsewhere = (weights[:IGNORED].sum(0) == 0) | (keys & 1 == 1)
        low_bits = torch.full((KEYS // 2,), _NONE_BELOW, dtype=torch.int64, device=table.device)
        high_bits = torch.full_like(low_bits, _NONE_ABOVE)
        low_bits.scatter_reduce_(0, bins, raw.masked_fill(elsewhere, _NONE_BELOW), "amin")
        high_bits.scatter_reduce_(0, bins, raw.masked_fill(elsewhere, _NONE_ABOVE), "amax")
        return cls._from(counts, low_bits, high_bits)

    @classmethod
    def _of_pixels(
        cls, scores: Tensor, parts: Iterator[Part], table: Tensor, codes: LabelCodes
    ) -> Tally:
        """Scores in float32 or wider, placed one by one."""
        kind = torch.float32 if scores.dtype == torch.float32 else torch.float64
        integer = torch.int32 if kind == torch.float32 else torch.int64
        counts = torch.zeros(4 * KEYS, dtype=torch.int64, device=table.device)
        most = torch.iinfo(integer).max
        low = torch.full((4 * KEYS,), most, dtype=integer, device=table.device)
        high = torch.zeros_like(low)
        for part, labels, hidden in parts:
            values = _as_unit(part)
            slots = keys_of(values)
            slots += classes_of(labels, hidden, table, codes, step=KEYS)
            _count(counts, slots)
            raw = values.view(integer)  # floats >= 0 are ordered as their bits
            low.scatter_reduce_(0, slots, raw, "amin")
            high.scatter_reduce_(0, slots, raw, "amax")
        counts = counts.view(4, KEYS)
        nothing = ~counts[:IGNORED, ::2].any(0)
        low, high = (part.view(4, KEYS)[:IGNORED, ::2] for part in (low, high))
        low_bits, high_bits = (
            score_bits(part.view(kind).double()) for part in (low.amin(0), high.amax(0))
        )
        return cls._from(
            counts,
            low_bits.masked_fill_(nothing, _NONE_BELOW),
            high_bits.masked_fill_(nothing, _NONE_ABOVE),
        )

    @classmethod
    def _from(cls, counts: Tensor, lowest: Tensor, highest: Tensor) -> Tally:
        """Make counts from those by class, shape (4, KEYS)."""
        valid = torch.stack([counts[ANOMALOUS], counts[NORMAL]])
        outside = valid[:, _BELOW].sum() + valid[:, _ABOVE].sum()
        refused = torch.stack([counts[UNKNOWN].sum(), outside])
        for key in (_BELOW, _ABOVE):
            valid[:, key] = 0
            lowest[key // 2], highest[key // 2] = _NONE_BELOW, _NONE_ABOVE
        return cls(valid, lowest, highest, refused)


def _count(counts: Tensor, slots: Tensor) -> None:
    """Count each number; `torch.bincount` would wait for the device."""
    one = torch.ones(1, dtype=torch.int64, device=slots.device)
    counts.scatter_add_(0, slots, one.expand_as(slots))


def _as_unit(scores: Tensor) -> Tensor:
    """Floats as they are, unsigned integers divided by their maximum, in float64."""
    if scores.dtype.is_floating_point:
        return scores
    return scores.double() / float(torch.iinfo(scores.dtype).max)


def classes_of(
    labels: Tensor, ignore: Tensor | None, table: Tensor, codes: LabelCodes, step: int = 1
) -> Tensor:
    """Class of each flat label, times `step`, as int64; `UNKNOWN` for those without a meaning."""
    steps = table.long() * step
    if labels.dtype in (torch.bool, torch.uint8):
        classes = steps.index_select(0, labels.int())
    else:
        wide = labels.long()
        narrow = wide.clamp(0, 255)
        classes = steps.index_select(0, narrow)
        classes.masked_fill_(wide != narrow, UNKNOWN * step)
        for code, meaning in codes.meanings():
            if not 0 <= code < 256:
                classes.masked_fill_(wide == code, meaning * step)
    return classes if ignore is None else classes.masked_fill_(ignore, IGNORED * step)


def _in_parts(scores: Tensor, target: Tensor, ignore: Tensor | None) -> Iterator[Part]:
    scores, target = scores.reshape(-1), target.reshape(-1)
    ignore = None if ignore is None else ignore.reshape(-1)
    chunk = CHUNK_OF_CPU if scores.device.type == "cpu" else CHUNK
    for start in range(0, scores.numel(), chunk):
        part = slice(start, start + chunk)
        yield scores[part], target[part], None if ignore is None else ignore[part]


def as_maps(scores: object, target: object, ignore: object = None) -> Part:
    """Stacks of maps (N, H, W) of fit dtypes on one device, gradients left behind.

    Raises
    ------
    InputTypeError, InputError
        Other things than dense tensors, unfit dtypes, shapes or devices.
    """
    kinds = (*_FLOATS, *_UNSIGNED, torch.bool)
    stack = _stack(scores, "scores", kinds, "floats, unsigned integers or bool")
    labels = _stack(target, "target", _LABELS, "integer or bool labels")
    hidden = None if ignore is None else _stack(ignore, "ignore", (torch.bool,), "bool")
    for name, part in (("target", labels), ("ignore", hidden)):
        if part is None or (part.shape == stack.shape and part.device == stack.device):
            continue
        raise InputError(
            f"expected shape {tuple(stack.shape)} on {stack.device}, as the scores have, "
            f"found {tuple(part.shape)} on {part.device}",
            argument=name,
        )
    return stack, labels, hidden


def _stack(value: object, name: str, dtypes: tuple[torch.dtype, ...], words: str) -> Tensor:
    if not isinstance(value, Tensor):
        raise InputTypeError(f"expected a tensor, found {type(value).__name__}", argument=name)
    if value.layout != torch.strided or value.dtype not in dtypes:
        raise InputTypeError(
            f"expected a dense tensor of {words}, found {value.dtype} ({value.layout})",
            argument=name,
        )
    shape = tuple(value.shape)
    stack = value.detach()
    if value.ndim == 4 and shape[1] == 1:
        stack = stack[:, 0]
    if stack.ndim == 2:
        stack = stack[None]
    if stack.ndim != 3 or stack.numel() == 0:
        raise InputError(
            f"expected shape (H, W), (N, H, W) or (N, 1, H, W), not empty, found {shape}",
            argument=name,
        )
    return stack
