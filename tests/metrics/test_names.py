"""Names of measures: what they may hold, and how they are spelled in results."""

from __future__ import annotations

import pytest

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError
from mdmkit.metrics.names import MEASURES, parse_measure, parse_measures
from mdmkit.metrics.registry import SPELLED

SIZES = ComponentSizes(10, 5)


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        ("AP", "ap"),
        ("f1@z=.5", "f1@z=0.5"),
        ("fpr@TPR=0.9", "fpr@tpr=0.9"),
        ("ap@band=5", "ap@band=5"),
        ("mdm_f1@0.5@size=300:3000", "mdm_f1@0.5@size=300:3000"),
        ("mdm_f1@size=300:inf@.5", "mdm_f1@0.5@size=300:inf"),
        ("ap@rows=0:400@band=3", "ap@band=3@rows=0:400"),
        ("siou_gt@share=0:1e-3", "siou_gt@share=0:0.001"),
        ("boundary_f@px=3@z=0.5", "boundary_f@px=3@z=0.5"),
        ("mdm_boundary_f@0.5@px=3", "mdm_boundary_f@px=3@0.5"),
        ("nsd@px=1.5@neighbours=8@z=0.5", "nsd@px=1.5@neighbours=8@z=0.5"),
        ("boundary_iou@z=0.5", "boundary_iou@z=0.5"),
        ("boundary_iou@ratio=0.01@z=0.5", "boundary_iou@ratio=0.01@z=0.5"),
        ("mdm_boundary_iou@0.5@px=2", "mdm_boundary_iou@px=2@0.5"),
        ("mdm_fbeta@beta=2@0.5", "mdm_fbeta@beta=2@0.5"),
        ("fbeta@beta=.5@z=.3", "fbeta@beta=0.5@z=0.3"),
        ("aupro", "aupro@fpr=0.3"),
        ("aupro@fpr=0.05", "aupro@fpr=0.05"),
        ("aupimo@fpr=1e-5:1e-4", "aupimo@fpr=1e-5:1e-4"),
        ("aupimo", "aupimo@fpr=1e-5:1e-4"),
        ("pro@z=0.5", "pro@z=0.5"),
        ("mdm_spro@0.5", "mdm_spro@0.5"),
        ("image_auroc", "image_auroc"),
        ("image_f1@score=MEAN-TOP:1%", "image_f1@score=mean-top:1%"),
        ("found@alarms=0.10", "found@alarms=0.1"),
        ("found@alarms=1@siou=0.3@ppv=0.5@size=0:9", "found@alarms=1@siou=0.3@ppv=0.5@size=0:9"),
        ("ppv", "ppv"),
        ("ppv@z=0.5", "ppv@z=0.5"),
    ],
)
def test_a_name_is_spelled_in_one_way_and_read_back(asked, key):
    measure = parse_measure(asked, SIZES)
    assert measure.key == key
    assert parse_measure(key, SIZES) == measure


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("f2", "expected one of ap"),
        ("mdm_f1", "say which T"),
        ("f1", "say which T"),
        ("mdm_f1@0.5@0.7", "expected T once"),
        ("f1@z=half", "found 'half'"),
        ("boundary_f@z=0.5", "expected a number after"),
        ("boundary_f@pz=3@px=3@z=0.5", "found pz"),
        ("ap@beta=2", "expected options of ap among: band, size, share, rows; found beta"),
        ("ap@size=300", "expected a range"),
        ("ap@size=300:300", "0 <= A < B"),
        ("ap@size=b:300", "found 'b'"),
        ("boundary_f@px=33@z=.5", "0 to 32"),
        ("boundary_f@px=3@neighbours=6@z=.5", "expected 4 or 8"),
        ("boundary_iou@ratio=2@z=.5", "(0, 1]"),
        ("aupro@fpr=2", "(0, 1]"),
        ("aupimo@fpr=1e-4:1e-5", "0 < L < U"),
        ("aupimo@size=0:300", "one of images"),
        ("image_auroc@size=0:300", "one of images"),
        ("image_auroc@score=mean-top:0", "mean-top:K"),
        ("image_auroc@score=median", "mean-top:K"),
        ("siou@z=.5@band=3", "a measure of pixels"),
        ("fbeta@beta=0@z=.5", "beta"),
        ("found", "expected a number after"),
        ("found@alarms=-1", ">= 0"),
        ("found@alarms=1@covered=2", "(0, 1]"),
    ],
)
def test_what_is_wrong_with_a_name_is_said(asked, found):
    with pytest.raises(InputError) as error:
        parse_measure(asked, SIZES)
    assert found in str(error.value)


def test_every_known_name_is_measured():
    names = [name for name in MEASURES if name not in ("fpr", "found")]
    names += [f"{metric}@z=0.5" for metric in SPELLED] + [f"mdm_{m}@0.5" for m in SPELLED]
    assert len(parse_measures(names, SIZES)) == len(names)
