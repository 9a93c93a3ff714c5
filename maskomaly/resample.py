"""Resampling of masks to the image: bilinear to the input, cropped, by area to the image.

Maps of the whole network input are large (100 masks at 1024 x 2048 take 0.8 GB), so that they are
never held at once: `at_image` walks over bands of rows, all maps of a band together.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from maskomaly.outputs import Geometry

# Values of all maps in one band: 16 MB in float32, near enough to a CPU's caches; a GPU wants more
# for each launch.
_BAND_VALUES = {"cpu": 1 << 22}
_BAND_VALUES_ELSEWHERE = 1 << 25


def upsample(maps: Tensor, size: tuple[int, int], rows: slice | None = None) -> Tensor:
    """Bilinear interpolation, `align_corners=False`, of all rows or of some.

    Parameters
    ----------
    maps : Tensor, float, (..., h, w)
    size : (int, int)
        Height H and width W to interpolate to.
    rows : slice, optional
        Which of the H rows are wanted; all by default. A row is the same in any band.

    Returns
    -------
    Tensor, float32, (..., rows, W)
        As `torch.nn.functional.interpolate` has it: up to rounding where H is a multiple of h,
        within 1e-4 of the range elsewhere (float32 positions).
    """
    height, width = size
    start, stop, _ = (rows or slice(None)).indices(height)
    if maps.numel() == 0:
        return maps.new_zeros(*maps.shape[:-2], stop - start, width, dtype=torch.float32)
    held = maps.shape[-2]
    scale = torch.tensor(held / height, dtype=torch.float32)
    centres = torch.arange(start, stop, dtype=torch.float32) + 0.5
    position = (scale * centres - 0.5).clamp_(min=0)
    upper = position.long()
    lower = (upper + 1).clamp_(max=held - 1)
    weight = (position - upper).to(maps.device)[:, None]
    # Only the rows of `maps` that the band touches become float32.
    first, last = int(upper[0]), int(lower[-1]) + 1
    near = maps[..., first:last, :].float()
    upper, lower = (upper - first).to(maps.device), (lower - first).to(maps.device)
    banded = torch.lerp(near.index_select(-2, upper), near.index_select(-2, lower), weight)
    stack = banded.reshape(1, -1, stop - start, maps.shape[-1])
    wide = interpolate(stack, size=(stop - start, width), mode="bilinear", align_corners=False)
    return wide.reshape(*maps.shape[:-2], stop - start, width)


def _area_taps(held: int, wanted: int) -> tuple[Tensor, Tensor]:
    """Find the old pixels that each new pixel covers, and their shares: (wanted, taps) tensors.

    Lengths are counted in units of 1 / (held * wanted) of the side, so that they are integers and
    the shares exact but for one division.
    """
    new = torch.arange(wanted)
    first = new * held // wanted
    last = ((new + 1) * held - 1) // wanted
    cells = first[:, None] + torch.arange(int((last - first).max()) + 1)
    ends = torch.minimum((new[:, None] + 1) * held, (cells + 1) * wanted)
    starts = torch.maximum(new[:, None] * held, cells * wanted)
    shares = (ends - starts).clamp_(min=0).double() / held
    return cells.clamp_(max=held - 1), shares.float()


def _resample_side(maps: Tensor, wanted: int, side: int) -> Tensor:
    held = maps.shape[side]
    if held == wanted:
        return maps
    cells, shares = (taps.to(maps.device) for taps in _area_taps(held, wanted))
    if side == -2:
        shares = shares[:, :, None]
    total = maps.index_select(side, cells[:, 0]) * shares[:, 0]
    for tap in range(1, cells.shape[1]):
        total.addcmul_(maps.index_select(side, cells[:, tap]), shares[:, tap])
    return total


def resample_area(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Average of what each new pixel covers, weighted by area.

    Parameters
    ----------
    maps : Tensor, float32, (..., h, w)
    size : (int, int)
        Height and width of the result; either may be larger or smaller than before.

    Returns
    -------
    Tensor, float32, (..., *size)
        Within the range of `maps`, on the same device; `maps` itself if the size is the same.

    Notes
    -----
    Equal to OpenCV's `INTER_AREA` to 3e-7 of the range if both sides shrink or both grow (its
    linear coefficients for growing are this very average), but for slivers of under a thousandth
    of a pixel, which OpenCV leaves out. With one side of each kind OpenCV interpolates between two
    pixels along both sides; this stays an average.
    """
    if tuple(maps.shape[-2:]) == tuple(size):
        return maps
    # Rows first: they are contiguous, and there are fewer of them afterwards.
    resampled = _resample_side(_resample_side(maps, size[0], -2), size[1], -1)
    # Rounded shares may sum to 1 + 6e-8, but no average leaves the range.
    return resampled.clamp_(maps.amin(), maps.amax())


def to_image(at_input: Tensor, geometry: Geometry) -> Tensor:
    """A map of the network's input, padding cut off or not, resampled to the image's size."""
    height, width = geometry.content
    return resample_area(at_input[..., :height, :width], geometry.image)


def at_image(maps: Tensor, geometry: Geometry, formula: Callable[[Tensor], Tensor]) -> Tensor:
    """Evaluate a formula of all maps at each pixel of the network's input, resampled to the image.

    Parameters
    ----------
    maps : Tensor, float, (K, h, w)
        Logits of masks or of classes.
    geometry : Geometry
        The maps are upsampled to `padded`, the result is cut to `content` and resampled to `image`.
    formula : callable
        From the upsampled maps of a band, float32 (K, rows, width), which it may overwrite, to
        the score of its pixels, (rows, width).

    Returns
    -------
    Tensor, float32, image size
        On the device of `maps`. Memory: two score maps and a band.
    """
    height, width = geometry.content
    values = _BAND_VALUES.get(maps.device.type, _BAND_VALUES_ELSEWHERE)
    step = max(1, values // max(1, len(maps) * geometry.padded[1]))
    score = torch.empty(height, width, device=maps.device)
    for start in range(0, height, step):
        rows = slice(start, min(start + step, height))
        score[rows] = formula(upsample(maps, geometry.padded, rows)[..., :width])
    return resample_area(score, geometry.image)
