"""Scores of densities: DenseHybrid's and GMMSeg's formulas, and mixtures fitted by class."""

from __future__ import annotations

from math import log, pi

import numpy as np
import pytest

from maskomaly import densehybrid, fit_mixtures, gmmseg
from mdmkit import InputError, InputTypeError

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

RNG = np.random.default_rng(0)
FEATURES = np.concatenate([RNG.normal(0, 1, (200, 2)), RNG.normal(8, 2, (300, 2))])
LABELS = np.repeat([3, 7], [200, 300])


def test_densehybrid_is_outlier_evidence_less_the_datas():
    logits = np.array([[0.0, 1.0], [0.0, 3.0]])
    found = densehybrid(np.log([0.5, 0.125]), logits)
    by_hand = [log(0.5) - log(2), log(0.125) - log(np.exp(1) + np.exp(3))]
    assert found.tolist() == pytest.approx(by_hand)


def test_densehybrid_refuses_what_does_not_fit():
    with pytest.raises(InputError, match=r"class_logits: expected shape \(C, 2\), found \(2, 3\)"):
        densehybrid(np.zeros(2), np.zeros((2, 3)))
    with pytest.raises(InputError, match=r"at most 0, found 0\.5"):
        densehybrid(np.full(2, 0.5), np.zeros((2, 2)))
    with pytest.raises(InputError, match="log_outlier: expected finite"):
        densehybrid(np.array([-np.inf, 0]), np.zeros((2, 2)))
    with pytest.raises(InputTypeError, match="class_logits: expected floats"):
        densehybrid(np.zeros(2), np.zeros((2, 2), int))


def test_gmmseg_with_one_gaussian_is_its_formula():
    mixtures = fit_mixtures(FEATURES, LABELS, components=1)
    assert mixtures.classes == (3, 7)
    points = np.array([[[0.0, 0.0], [8.0, 8.0]], [[4.0, 3.0], [50.0, -50.0]]])
    densities = []
    for code in (3, 7):
        members = FEATURES[code == LABELS]
        mean, variance = members.mean(0), members.var(0) + 1e-6
        squared = ((points - mean) ** 2 / variance).sum(-1)
        densities.append(-0.5 * (squared + np.log(2 * pi * variance).sum()))
    found = gmmseg(points, mixtures)
    assert found.shape == (2, 2)
    assert found == pytest.approx(-np.maximum(*densities))
    assert found[1, 1] == found.max()


def test_mixtures_are_the_same_again_and_ignore_what_is_no_class():
    labels = LABELS.copy().reshape(50, 10)
    labels[0] = 255
    features = FEATURES.reshape(50, 10, 2)
    again = [gmmseg(FEATURES, fit_mixtures(features, labels, 3)) for _ in range(2)]
    assert np.array_equal(*again)
    kept = labels.ravel() != 255
    assert np.array_equal(again[0], gmmseg(FEATURES, fit_mixtures(FEATURES[kept], LABELS[kept], 3)))


def test_features_and_labels_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="labels: expected shape"):
        fit_mixtures(FEATURES, LABELS[:-1])
    with pytest.raises(InputTypeError, match="labels: expected integers"):
        fit_mixtures(FEATURES, LABELS / 2)
    with pytest.raises(InputError, match="found only ignored"):
        fit_mixtures(FEATURES, np.full(500, 255))
    with pytest.raises(InputError, match="at least 201 pixels of class 3, found 200"):
        fit_mixtures(FEATURES, LABELS, components=201)
    with pytest.raises(InputError, match="components: expected at least 1"):
        fit_mixtures(FEATURES, LABELS, components=0)
    with pytest.raises(InputError, match="features: expected 2 values for each pixel, found 3"):
        gmmseg(np.zeros((4, 3)), fit_mixtures(FEATURES, LABELS, 1))
