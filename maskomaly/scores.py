"""Anomaly scores of a segmentation network's outputs, each under a name in `SCORES`.

All are higher where a pixel is more anomalous, and keep their own scale. To add one: write a
function of the outputs here and give it an entry in `SCORES`.

Scores without a source of their own use the class scores of a pixel: a network with masks has
sem[l] = sum_n p_n[l] m_n over the known classes l <= C, a dense one has its class logits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log

import torch
from torch import Tensor

from maskomaly.algorithm import acting_queries, maskomaly
from maskomaly.config import MaskomalyConfig
from maskomaly.outputs import DenseOutputs, MaskOutputs
from maskomaly.resample import at_image
from mdmkit.core.errors import InputError, InputTypeError

Outputs = MaskOutputs | DenseOutputs


def _check_masks(outputs: Outputs) -> None:
    if not isinstance(outputs, MaskOutputs):
        raise InputTypeError(
            f"expected MaskOutputs, as this score needs masks; found {type(outputs).__name__}",
            argument="outputs",
        )


def _from_masks(outputs: MaskOutputs, formula: Callable[[Tensor], Tensor]) -> Tensor:
    """A formula of a pixel's masks m_n, (N, ...), at the network's input; then to the image."""
    return at_image(outputs.all_masks, outputs.geometry, lambda band: formula(band.sigmoid_()))


def _from_classes(outputs: Outputs, formula: Callable[[Tensor], Tensor]) -> Tensor:
    """A formula of a pixel's class scores, (C, ...), at the network's input; then to the image."""
    if isinstance(outputs, DenseOutputs):
        return at_image(outputs.class_logits, outputs.geometry, formula)
    known = outputs.class_probabilities[:, :-1].float().T
    return _from_masks(outputs, lambda masks: formula(torch.tensordot(known, masks, 1)))


@torch.no_grad()
def msp(outputs: Outputs, normalised: bool = False) -> Tensor:
    """Maximum softmax probability: 1 - max_l softmax(sem)[l], in [0, 1 - 1/C].

    Parameters
    ----------
    outputs : MaskOutputs or DenseOutputs
    normalised : bool
        Take sem / sum(sem) for the distribution instead of softmax(sem): another score, which must
        be chosen in advance. 1 where no mask claims a pixel. Masks only: logits are no shares.

    Returns
    -------
    Tensor, float32, image size

    References
    ----------
    Hendrycks, Gimpel: A Baseline for Detecting Misclassified and Out-of-Distribution Examples in
    Neural Networks. ICLR 2017.
    """
    if not normalised:
        return _from_classes(outputs, lambda sem: 1 - sem.softmax(0).amax(0))
    _check_masks(outputs)
    tiny = torch.finfo(torch.float32).tiny
    return _from_classes(outputs, lambda sem: 1 - sem.amax(0) / sem.sum(0).clamp_(min=tiny))


@torch.no_grad()
def max_logit(outputs: Outputs) -> Tensor:
    """Maximum logit: -max_l sem[l], in [-N, 0] for masks, unbounded for logits.

    References
    ----------
    Hendrycks et al.: Scaling Out-of-Distribution Detection for Real-World Settings. ICML 2022.
    """
    return _from_classes(outputs, lambda sem: -sem.amax(0))


@torch.no_grad()
def entropy(outputs: Outputs) -> Tensor:
    """Entropy of softmax(sem) over log C, in [0, 1]; a network of one class is refused.

    References
    ----------
    Chan, Rottmann, Gottschalk: Entropy Maximization and Meta Classification for
    Out-of-Distribution Detection in Semantic Segmentation. ICCV 2021.
    """
    classes = len(outputs.class_logits) if isinstance(outputs, DenseOutputs) else outputs.classes
    if classes < 2:
        raise InputError("expected at least 2 classes for an entropy, found 1", argument="outputs")

    def formula(sem: Tensor) -> Tensor:
        logarithms = sem.log_softmax(0)
        # The logarithm is finite, so that a probability of 0 adds 0.
        return (-(logarithms.exp() * logarithms).sum(0) / log(classes)).clamp_(0, 1)

    return _from_classes(outputs, formula)


@torch.no_grad()
def energy(outputs: Outputs) -> Tensor:
    """Free energy: -logsumexp(sem), in [-N - log C, -log C] for masks, unbounded for logits.

    References
    ----------
    Liu, Wang, Owens, Li: Energy-based Out-of-distribution Detection. NeurIPS 2020. Score of
    Tian et al.: Pixel-wise Energy-biased Abstention Learning (PEBAL), ECCV 2022, at inference.
    """
    return _from_classes(outputs, lambda sem: -sem.logsumexp(0))


@torch.no_grad()
def rba(outputs: MaskOutputs) -> Tensor:
    """Rejected by all: -sum_l tanh(sem[l]), in [-C, 0].

    References
    ----------
    Nayal, Yavuz, Henriques, Güney: RbA: Segmenting Unknown Regions Rejected by All. ICCV 2023.
    """
    _check_masks(outputs)
    return _from_classes(outputs, lambda sem: -sem.tanh_().sum(0))


@torch.no_grad()
def eam(outputs: MaskOutputs) -> Tensor:
    """Ensemble over anomaly scores of masks: -sum_n m_n max_{l<=C} p_n[l], in [-N, 0].

    References
    ----------
    Grcić, Šarić, Šegvić: On Advantages of Mask-level Recognition for Outlier-aware Segmentation.
    CVPR Workshops 2023.
    """
    _check_masks(outputs)
    confidence = outputs.confidence.float()
    return _from_masks(outputs, lambda masks: -torch.tensordot(confidence, masks, 1))


@torch.no_grad()
def void_of_winner(outputs: MaskOutputs) -> Tensor:
    """Void probability of the winning mask: p_n[void] of the n with the largest m_n, in [0, 1].

    References
    ----------
    The no-object class of Cheng, Schwing, Kirillov: Per-Pixel Classification is Not All You Need
    for Semantic Segmentation (MaskFormer). NeurIPS 2021.
    """
    _check_masks(outputs)
    void = outputs.void.float()
    # The largest logit is the largest mask; sigmoids of large ones would be tied at 1.
    return at_image(outputs.all_masks, outputs.geometry, lambda band: void[band.argmax(0)])


@torch.no_grad()
def mask_sum(outputs: MaskOutputs) -> Tensor:
    """Mask uncertainty: 1 - sum_n m_n, what no mask claims whatever its class, in [1 - N, 1].

    References
    ----------
    Masks of Cheng, Schwing, Kirillov: Per-Pixel Classification is Not All You Need for Semantic
    Segmentation (MaskFormer). NeurIPS 2021; EAM with every confidence 1.
    """
    _check_masks(outputs)
    return _from_masks(outputs, lambda masks: 1 - masks.sum(0))


@torch.no_grad()
def unknown(outputs: MaskOutputs) -> Tensor:
    """Unknown class of a K+2 network: sum_n m_n p_n[unknown], in [0, N].

    The network was trained with a class for what is unknown beside void; its name, the last, says
    so (`UNKNOWN_NAMES`).

    References
    ----------
    Negative objectness of Delić, Grcić, Šegvić: Outlier Detection by Ensembling Uncertainty with
    Negative Objectness (UNO). BMVC 2024.
    """
    _check_masks(outputs)
    check_unknown("unknown", outputs.class_names)
    last = outputs.class_probabilities[:, -2].float()
    return _from_masks(outputs, lambda masks: torch.tensordot(last, masks, 1))


@torch.no_grad()
def uno(outputs: MaskOutputs) -> Tensor:
    """Uncertainty and negative objectness: sum_n m_n (p_n[unknown] - max_{l<=K} p_n[l]).

    Of a network as for `unknown`; K are the known classes without the unknown one. In [-N, N].

    References
    ----------
    Delić, Grcić, Šegvić: Outlier Detection by Ensembling Uncertainty with Negative Objectness
    (UNO). BMVC 2024. The sum over masks is that of EAM, by the same group.
    """
    _check_masks(outputs)
    check_unknown("uno", outputs.class_names)
    probabilities = outputs.class_probabilities.float()
    weights = probabilities[:, -2] - probabilities[:, :-2].amax(1)
    return _from_masks(outputs, lambda masks: torch.tensordot(weights, masks, 1))


#: Names of a class for what is unknown, any of which the last known class must bear.
UNKNOWN_NAMES = ("unknown", "outlier", "anomaly", "ood", "negative")


def check_unknown(score: str, names: Sequence[str]) -> None:
    """Refuse classes of which the last is not the unknown one, or is the only one."""
    if len(names) < 2 or names[-1].lower() not in UNKNOWN_NAMES:
        raise InputError(
            f"expected a network with a class for what is unknown for {score!r}, named "
            f"{' or '.join(UNKNOWN_NAMES)} and last of id2label in config.json; found "
            f"{names[-1] if names else 'no names'!r}",
            argument="score",
        )


@dataclass(frozen=True)
class Score:
    """Describes a score before it is computed: formula, range, source.

    Parameters
    ----------
    function : callable
        From outputs, and a config and `force_queries` if `configured`, to a map of image size.
    formula, range, paper : str
        For tables: where the values lie without any normaliser, and who proposed it.
    needs : {"classes", "masks", "config", "unknown"}
        Class logits without masks will do; masks; masks and a `MaskomalyConfig`; masks of a network
        with a class for what is unknown, beside void.
    unit : bool
        Whether values lie in [0, 1] by nature.

    Examples
    --------
    >>> SCORES["entropy"].range, SCORES["rba"].dense
    ('[0, 1]', False)
    """

    function: Callable[..., Tensor]
    formula: str
    range: str
    paper: str
    needs: str = "masks"
    unit: bool = False

    @property
    def dense(self) -> bool:
        """Whether class logits without masks will do."""
        return self.needs == "classes"

    @property
    def configured(self) -> bool:
        """Whether it takes a `MaskomalyConfig`."""
        return self.needs == "config"

    @property
    def needs_unknown(self) -> bool:
        """Whether the network must have a class for what is unknown, beside void."""
        return self.needs == "unknown"

    def masks_of(self, outputs: MaskOutputs, config: MaskomalyConfig) -> Sequence[int]:
        """Queries whose masks decide it."""
        return acting_queries(outputs, config) if self.configured else range(outputs.queries)


#: Every score by its name, with formula, range and paper; `score(outputs, name)` computes it.
SCORES = {
    "maskomaly": Score(
        maskomaly, "Algorithm 1", "[0, 1]", "Ackermann et al., BMVC 2023", "config", unit=True
    ),
    "msp": Score(
        msp,
        "1 - max_l softmax(sem)[l]",
        "[0, 1 - 1/C]",
        "Hendrycks & Gimpel, ICLR 2017",
        "classes",
        unit=True,
    ),
    "max-logit": Score(
        max_logit, "-max_l sem[l]", "[-N, 0]", "Hendrycks et al., ICML 2022", "classes"
    ),
    "entropy": Score(
        entropy, "H(softmax(sem)) / log C", "[0, 1]", "Chan et al., ICCV 2021", "classes", unit=True
    ),
    "energy": Score(
        energy,
        "-logsumexp(sem)",
        "[-N - log C, -log C]",
        "Liu et al., NeurIPS 2020; Tian et al. (PEBAL), ECCV 2022",
        "classes",
    ),
    "rba": Score(rba, "-sum_l tanh(sem[l])", "[-C, 0]", "Nayal et al., ICCV 2023"),
    "eam": Score(eam, "-sum_n m_n max_{l<=C} p_n[l]", "[-N, 0]", "Grcić et al., CVPRW 2023"),
    "void": Score(
        void_of_winner,
        "p_n[void] of n = argmax m_n",
        "[0, 1]",
        "Cheng et al., NeurIPS 2021",
        unit=True,
    ),
    "mask-sum": Score(mask_sum, "1 - sum_n m_n", "[1 - N, 1]", "Cheng et al., NeurIPS 2021"),
    "unknown": Score(
        unknown, "sum_n m_n p_n[unknown]", "[0, N]", "Delić et al., BMVC 2024", "unknown"
    ),
    "uno": Score(
        uno,
        "sum_n m_n (p_n[unknown] - max_{l<=K} p_n[l])",
        "[-N, N]",
        "Delić et al., BMVC 2024",
        "unknown",
    ),
}


def check_score(name: str) -> None:
    """Refuse names that are not in `SCORES`."""
    if not isinstance(name, str) or name not in SCORES:
        raise InputError(f"expected one of {', '.join(SCORES)}; found {name!r}", argument="score")


def check_classes(name: str, names: Sequence[str]) -> None:
    """Refuse a score for a network of these classes, before it runs."""
    if SCORES[name].needs_unknown:
        check_unknown(name, names)
    if name == "entropy" and len(names) == 1:
        raise InputError(
            "expected a network of at least 2 classes for 'entropy', found 1", argument="score"
        )


def score(
    outputs: Outputs,
    name: str = "maskomaly",
    config: MaskomalyConfig | None = None,
    force_queries: bool = False,
) -> Tensor:
    """Compute a score by its name.

    Parameters
    ----------
    outputs : MaskOutputs or DenseOutputs
    name : str
        A key of `SCORES`.
    config : MaskomalyConfig, optional
        For scores that take one; by default Algorithm 1 without query indices, that is without
        anything to accept.
    force_queries : bool
        Use query indices that belong to another checkpoint.

    Returns
    -------
    Tensor, float32, (height, width) of the image
        Higher = more anomalous, on the score's own scale.

    Raises
    ------
    InputError
        An unknown name, outputs without the masks that it needs, indices that do not fit.

    Notes
    -----
    `SCORES[name].paper` is the source of each; memory is that of two maps and a band of masks.

    Examples
    --------
    >>> from maskomaly import Geometry
    >>> outputs = MaskOutputs([[0.9, 0.1]], [[[20.0, -20.0]]], Geometry.plain((1, 2)))
    >>> score(outputs, "rba").round(decimals=2) + 0  # -tanh(0.9), -tanh(0)
    tensor([[-0.7200,  0.0000]])
    """
    check_score(name)
    entry = SCORES[name]
    if not isinstance(outputs, MaskOutputs) and not (
        entry.dense and isinstance(outputs, DenseOutputs)
    ):
        expected = "MaskOutputs or DenseOutputs" if entry.dense else "MaskOutputs"
        raise InputTypeError(
            f"expected {expected} for the score {name!r}, found {type(outputs).__name__}",
            argument="outputs",
        )
    if entry.configured:
        return entry.function(outputs, config or MaskomalyConfig(), force_queries)
    return entry.function(outputs)
