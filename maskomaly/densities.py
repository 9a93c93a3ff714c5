"""Scores that need more than a segmentation network's outputs: densities of its features.

They take arrays, as what they judge comes from heads or features that only some networks have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from mdmkit.core.arguments import check_kind
from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.core.extras import needed_by
from mdmkit.core.frame import as_array

Floats = NDArray[np.floating[Any]]


def _as_finite(value: object, name: str, least_dimensions: int) -> Floats:
    array = as_array(value, name)
    if array.dtype.kind != "f":
        raise InputTypeError(f"expected floats, found {array.dtype}", argument=name)
    if array.ndim < least_dimensions or array.size == 0:
        raise InputError(
            f"expected at least {least_dimensions} dimensions, none of them empty, "
            f"found shape {array.shape}",
            argument=name,
        )
    if not np.isfinite(array).all():
        raise InputError("expected finite values, found NaN or infinity", argument=name)
    return array


def densehybrid(log_outlier: object, class_logits: object) -> Floats:
    """Score discriminative and generative evidence: log p(outlier | x) - logsumexp_l logits[l].

    Parameters
    ----------
    log_outlier : array or tensor, float, (...)
        log p(outlier | x) of each pixel, from the network's outlier head; at most 0.
    class_logits : array or tensor, float, (C, ...)
        Their log-sum-exp is log p(x) up to a constant.

    Returns
    -------
    float array, (...)
        Unbounded, higher = more anomalous.

    Raises
    ------
    InputError
        Shapes that do not fit, values that are not finite, a logarithm above 0.

    References
    ----------
    Grcić, Bevandić, Šegvić: DenseHybrid: Hybrid Anomaly Detection for Dense Open-set Recognition.
    ECCV 2022.

    Examples
    --------
    >>> densehybrid([-1.0, -3.0], [[2.0, 5.0], [2.0, 1.0]]).round(2).tolist()
    [-3.69, -8.02]
    """
    outlier = _as_finite(log_outlier, "log_outlier", 0)
    logits = _as_finite(class_logits, "class_logits", 1)
    if logits.shape[1:] != outlier.shape:
        raise InputError(
            f"expected shape (C, {', '.join(map(str, outlier.shape))}), found {logits.shape}",
            argument="class_logits",
        )
    if outlier.max() > 0:
        raise InputError(
            f"expected logarithms of probabilities, at most 0, found {outlier.max():.4g}",
            argument="log_outlier",
        )
    return np.asarray(outlier - logsumexp(logits, axis=0))


@dataclass(frozen=True)
class Mixtures:
    """Holds a Gaussian mixture of each class's features.

    Parameters
    ----------
    classes : tuple of int
        The labels, ascending.
    mixtures : tuple of sklearn.mixture.GaussianMixture
        Fitted, one for each class.
    dimensions : int
        D, of a feature vector.

    See Also
    --------
    fit_mixtures : makes them.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> features, labels = rng.normal(size=(40, 2)), np.repeat([3, 7], 20)
    >>> mixtures = fit_mixtures(features, labels, components=1)
    >>> mixtures.classes, mixtures.log_density(features[:5]).shape
    ((3, 7), (2, 5))
    """

    classes: tuple[int, ...]
    mixtures: tuple[Any, ...]
    dimensions: int

    def log_density(self, features: object) -> Floats:
        """Log densities log p(x | c), (classes, ...), of features of shape (..., D)."""
        vectors = _as_finite(features, "features", 1)
        if vectors.shape[-1] != self.dimensions:
            raise InputError(
                f"expected {self.dimensions} values for each pixel, found {vectors.shape[-1]}",
                argument="features",
            )
        rows = vectors.reshape(-1, self.dimensions)
        densities = [mixture.score_samples(rows) for mixture in self.mixtures]
        return np.stack(densities).reshape(-1, *vectors.shape[:-1])


def fit_mixtures(
    features: object,
    labels: object,
    components: int = 5,
    ignore: Sequence[int] = (255,),
    seed: int = 0,
) -> Mixtures:
    """Fit a Gaussian mixture with diagonal covariances to the features of each class.

    Parameters
    ----------
    features : array or tensor, float, (..., D)
        Feature vectors of training pixels.
    labels : array or tensor, int, (...)
        Their classes.
    components : int
        Gaussians for each class; a class needs at least as many pixels.
    ignore : sequence of int
        Labels that are no class.
    seed : int
        Of the initialisation.

    Returns
    -------
    Mixtures

    Raises
    ------
    InputError
        Shapes that do not fit, no class at all, a class with too few pixels.

    Notes
    -----
    scikit-learn's `GaussianMixture`, expectation maximisation in memory: a few 100,000 pixels.
    The paper trains the mixtures along with the network, with Sinkhorn assignments; this is the
    same model, fitted afterwards.

    References
    ----------
    Liang, Wang, Miao, Yang: GMMSeg: Gaussian Mixture based Generative Semantic Segmentation
    Models. NeurIPS 2022.

    Examples
    --------
    >>> features = np.random.default_rng(0).normal(size=(4, 5, 2))
    >>> labels = np.zeros((4, 5), np.uint8)
    >>> labels[0] = 255
    >>> fit_mixtures(features, labels, components=2).classes
    (0,)
    """
    with needed_by("maskomaly.fit_mixtures"):
        from sklearn.mixture import GaussianMixture

    vectors = _as_finite(features, "features", 2)
    codes = as_array(labels, "labels")
    if codes.dtype.kind not in "iu":
        raise InputTypeError(f"expected integers, found {codes.dtype}", argument="labels")
    if codes.shape != vectors.shape[:-1]:
        raise InputError(
            f"expected shape {vectors.shape[:-1]}, found {codes.shape}", argument="labels"
        )
    if components < 1:
        raise InputError(f"expected at least 1, found {components}", argument="components")
    classes = [int(code) for code in np.unique(codes) if code not in ignore]
    if not classes:
        raise InputError(
            "expected at least one class, found only ignored pixels", argument="labels"
        )
    mixtures = []
    for code in classes:
        members = vectors[codes == code]
        if len(members) < max(components, 2):
            raise InputError(
                f"expected at least {max(components, 2)} pixels of class {code}, "
                f"found {len(members)}",
                argument="labels",
            )
        mixture = GaussianMixture(components, covariance_type="diag", random_state=seed)
        mixtures.append(mixture.fit(members))
    return Mixtures(tuple(classes), tuple(mixtures), vectors.shape[-1])


def gmmseg(features: object, mixtures: Mixtures) -> Floats:
    """Score how unlikely a pixel's features are in every class: -max_c log p(x | c).

    Parameters
    ----------
    features : array or tensor, float, (..., D)
    mixtures : Mixtures
        As `fit_mixtures` makes them.

    Returns
    -------
    float array, (...)
        Unbounded, higher = more anomalous.

    References
    ----------
    Liang, Wang, Miao, Yang: GMMSeg: Gaussian Mixture based Generative Semantic Segmentation
    Models. NeurIPS 2022.

    Raises
    ------
    InputError
        Features of another dimension, or that are not finite.

    Examples
    --------
    >>> known = np.random.default_rng(0).normal(size=(50, 2))
    >>> mixtures = fit_mixtures(known, np.zeros(50, int), components=1)
    >>> near, far = gmmseg(np.array([[0.0, 0.0], [9.0, 9.0]]), mixtures)
    >>> bool(far > near)
    True
    """
    check_kind(mixtures, (Mixtures,), "mixtures")
    return np.asarray(-mixtures.log_density(features).max(axis=0))
