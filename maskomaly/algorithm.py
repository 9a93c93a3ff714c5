"""Algorithm 1 of Maskomaly: reject what inlier masks claim, accept what anomaly masks claim."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from maskomaly.config import SWIN_LARGE_CITYSCAPES, MaskomalyConfig
from maskomaly.outputs import MaskOutputs
from maskomaly.resample import at_image, to_image, upsample
from mdmkit.core.arguments import check_kind
from mdmkit.core.errors import InputError, InputTypeError


def check_queries(
    outputs: MaskOutputs, config: MaskomalyConfig, force_queries: bool = False
) -> None:
    """Refuse query indices that the outputs do not have, or that belong to other weights.

    Only indices that the config's switches use are judged. They may be used if the config names
    no checkpoint, or the very one of the outputs: indices bound to a checkpoint are refused for
    outputs of unknown weights too.

    Parameters
    ----------
    outputs : MaskOutputs
    config : MaskomalyConfig
    force_queries : bool
        Use the indices with other weights. Indices out of range stay errors.

    Raises
    ------
    InputError
        Naming the checkpoints, and the next step.

    Examples
    --------
    >>> from maskomaly import Geometry, MaskOutputs
    >>> outputs = MaskOutputs([[0.9, 0.1]], [[[20.0]]], Geometry.plain((1, 1)), checkpoint="ab12")
    >>> check_queries(outputs, MaskomalyConfig(anomaly_queries=(0,), checkpoint="ab12"))
    >>> try:
    ...     check_queries(outputs, MaskomalyConfig(anomaly_queries=(0,), checkpoint="cd34"))
    ... except InputError as error:
    ...     print(str(error).partition(";")[0])
    anomaly_queries: expected queries of the checkpoint ab12, found those of cd34
    """
    check_kind(config, (MaskomalyConfig,), "config")
    check_kind(outputs, (MaskOutputs,), "outputs")
    check_indices(config, outputs.queries, outputs.checkpoint, force_queries)


def check_indices(
    config: MaskomalyConfig, queries: int, checkpoint: str, force_queries: bool = False
) -> None:
    """Refuse indices that a network of so many queries and of this digest does not have.

    It needs no outputs, so that a mistake is told before the network runs.
    """
    for name, used in (
        ("anomaly_queries", config.used_anomaly_queries),
        ("init_queries", config.used_init_queries),
    ):
        if used and not force_queries and config.checkpoint == SWIN_LARGE_CITYSCAPES:
            raise InputError(
                "no queries for this network: mine them (maskomaly mine IMAGES --target MASKS "
                "--model SOURCE -o queries.toml, then --queries queries.toml), or set accept = "
                "false in a config, which scores by rejection alone; the preset's own, "
                f"{list(used)}, are those of Mask2Former Swin-L for Cityscapes: if that is the "
                "network, `force_queries=True` takes them",
                argument=name,
            )
        if used and config.checkpoint not in ("", checkpoint) and not force_queries:
            raise InputError(
                f"expected queries of the checkpoint {checkpoint or '(unknown)'}, found those of "
                f"{config.checkpoint}; query indices mean something else in other weights: mine "
                "them anew, or use them all the same by `force_queries=True`",
                argument=name,
            )
        if used and max(used) >= queries:
            raise InputError(
                f"expected indices below the network's {queries} queries, found {max(used)}",
                argument=name,
            )


class _Roles:
    """Says which queries act in which term, and makes a score of their masks alone."""

    def __init__(self, outputs: MaskOutputs, config: MaskomalyConfig) -> None:
        self.config = config
        # One decision a query, on Python floats: thresholds are compared exactly.
        confidence = outputs.confidence.tolist()
        known = [n for n, void in enumerate(outputs.is_void.tolist()) if not void]
        if config.mask_comparison == ">":
            confident = [n for n in known if confidence[n] > config.t_mask]
        else:
            confident = [n for n in known if confidence[n] >= config.t_mask]
        inliers = sorted({*config.used_init_queries, *confident}) if config.reject else []
        borders = inliers if config.border_queries == "inliers" else known
        if not (config.reject and config.border):
            borders = []
        anomalies = list(config.used_anomaly_queries)

        self.queries = sorted({*inliers, *borders, *anomalies})
        place = {n: k for k, n in enumerate(self.queries)}
        self.inliers = [place[n] for n in inliers]
        self.borders = [place[n] for n in borders]
        self.anomalies = [place[n] for n in anomalies]
        weight = outputs.void
        if config.accept_probability == "max":
            weight = outputs.class_probabilities.amax(1)
        claims = outputs.confidence.clone()
        if config.init_probability == "max":
            fixed = list(config.used_init_queries)
            claims[fixed] = outputs.class_probabilities[fixed].amax(1)
        self.claims = claims[self.queries].float()
        self.accepts = weight[self.queries].float()

    def score(self, masks: Tensor) -> Tensor:
        """Masks of `queries` in [0, 1], (K, h, w), to scores, (h, w)."""
        config = self.config
        if not config.reject:
            score = self._accept(masks)
        elif not config.accept:
            score = self._reject(masks)
        else:
            score = config.lam * self._reject(masks) + (1 - config.lam) * self._accept(masks)
        # float16 probabilities may exceed 1 by a rounding, and so may the two products.
        return score.clamp_(0, 1)

    def _reject(self, masks: Tensor) -> Tensor:
        reject = 1 - _largest(masks, self.inliers, self.claims)
        if len(self.borders) > 1:
            # Some pair of masks exceeds T_b where at least two masks do: no need for the pairs.
            above = torch.zeros(masks.shape[1:], dtype=torch.int32, device=masks.device)
            for query in self.borders:
                above += masks[query] > self.config.t_border
            reject = torch.where(above > 1, reject.clamp(max=self.config.eps_border), reject)
        return reject

    def _accept(self, masks: Tensor) -> Tensor:
        return _largest(masks, self.anomalies, self.accepts)


def _largest(masks: Tensor, queries: list[int], weights: Tensor) -> Tensor:
    """Max over queries n of m_n * weight_n, 0 without queries."""
    largest = torch.zeros(masks.shape[1:], device=masks.device)
    for query in queries:
        torch.maximum(largest, masks[query] * weights[query], out=largest)
    return largest


def acting_queries(outputs: MaskOutputs, config: MaskomalyConfig) -> tuple[int, ...]:
    """Queries whose masks decide a score: inliers, those that meet in borders, and A."""
    return tuple(_Roles(outputs, config).queries)


def maskomaly(outputs: MaskOutputs, config: MaskomalyConfig, force_queries: bool = False) -> Tensor:
    """Score an image's pixels from the masks of a plain segmentation network.

    ::

        I        = I_0 + {n : argmax p_n != void and max_{l<=C} p_n[l] >= T_mask}
        o_reject = min over n in I of (1 - m_n * max_{l<=C} p_n[l])           (1 if I is empty)
        border   = two different masks of I exceed T_b:  o_reject = min(o_reject, eps_b) there
        o_accept = max over n in A of m_n * p_n[void]                         (0 if A is empty)
        score    = lambda * o_reject + (1 - lambda) * o_accept

    Parameters
    ----------
    outputs : MaskOutputs
    config : MaskomalyConfig
        Hyperparameters, A and I_0, each term's switch, and how the authors' release differs.
    force_queries : bool
        Use query indices that belong to another checkpoint.

    Returns
    -------
    Tensor, float32, (height, width) of the image
        In [0, 1], higher = more anomalous; on the device of `outputs`.

    Raises
    ------
    InputError
        Query indices out of range or of another checkpoint (`check_queries`).

    Notes
    -----
    Everything is computed in float32, whatever the outputs' dtype; confidence is compared with
    T_mask exactly. Masks are upsampled to the network's input a band of rows at a time, and only
    those of queries that act in some term: time is linear in their number, and memory is that of
    two score maps and a band of 16 MB.

    References
    ----------
    Ackermann, Sakaridis, Yu: Maskomaly: Zero-Shot Mask Anomaly Segmentation. BMVC 2023,
    Algorithm 1.

    Examples
    --------
    A pixel that a confident mask claims, and one that nothing claims:

    >>> import torch
    >>> from maskomaly import Geometry, MaskOutputs
    >>> outputs = MaskOutputs([[0.9, 0.1]], [[[20.0, -20.0]]], Geometry.plain((1, 2)))
    >>> maskomaly(outputs, MaskomalyConfig(accept=False))
    tensor([[0.1000, 1.0000]])
    """
    if not isinstance(outputs, MaskOutputs):
        raise InputTypeError(
            f"expected MaskOutputs, found {type(outputs).__name__}", argument="outputs"
        )
    check_queries(outputs, config, force_queries)
    with torch.no_grad():
        roles = _Roles(outputs, config)
        geometry = outputs.geometry
        if config.padding == "kept":
            geometry = replace(geometry, content=geometry.padded)
        logits = outputs.masks_of(roles.queries)
        if config.resolution == "mask":
            score = roles.score(logits.float().sigmoid())
            return to_image(upsample(score, geometry.padded), geometry).contiguous()
        return at_image(logits, geometry, lambda band: roles.score(band.sigmoid_()))
