"""Labels, sizes and aggregation of a run: as asked for, else the data set's, else the usual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mdmkit.core.arguments import check_kind
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.labels import LabelCodes, Labels
from mdmkit.datasets.dataset import EVERY_COMPONENT, DataSet

#: Stands for the data set's label values, else 1, 0 and 255: None means that no value is meant.
Usual = Literal["usual"]
USUAL: Usual = "usual"


@dataclass(frozen=True)
class Choice:
    """Holds label codes, component sizes and aggregation of a run.

    Attributes
    ----------
    codes : LabelCodes
    sizes : ComponentSizes
    aggregate : {"pooled", "per_image"}

    Examples
    --------
    >>> Choice(LabelCodes(), ComponentSizes(50, 10), "pooled").sizes.min_target
    10
    """

    codes: LabelCodes
    sizes: ComponentSizes
    aggregate: str


def _asked(label: Labels | Usual, usual: Labels) -> Labels:
    # an array would compare with text element by element
    if isinstance(label, str) and label == USUAL:
        return usual
    return label


def choose(
    dataset: DataSet | None,
    *,
    anomaly_label: Labels | Usual = USUAL,
    normal_label: Labels | Usual = USUAL,
    ignore_index: Labels | Usual = USUAL,
    min_prediction: int | None = None,
    min_target: int | None = None,
    aggregate: str | None = None,
) -> Choice:
    """Choose labels, sizes and aggregation: as asked for, else the data set's, else the usual.

    Parameters
    ----------
    dataset : DataSet or None
    anomaly_label, normal_label, ignore_index : int, collection of int, None or "usual"
        None means that no value has this meaning; "usual" leaves it to the data set.
    min_prediction, min_target : int, optional
        Component sizes in pixels; where neither says anything, no component is dropped.
    aggregate : {"pooled", "per_image"}, optional

    Returns
    -------
    Choice

    Raises
    ------
    InputError
        One label value with two meanings, sizes below 0.

    Examples
    --------
    >>> chosen = choose(None, anomaly_label=2, min_target=30)
    >>> str(chosen.codes), str(chosen.sizes), chosen.aggregate
    ('0 (normal), 2 (anomaly), 255 (ignore)', 'min_prediction=0, min_target=30', 'pooled')
    """
    check_kind(dataset, (DataSet, type(None)), "dataset")
    codes = dataset.codes if dataset else LabelCodes()
    sizes = dataset.sizes if dataset else EVERY_COMPONENT
    return Choice(
        LabelCodes(
            _asked(normal_label, codes.normal_label),
            _asked(anomaly_label, codes.anomaly_label),
            _asked(ignore_index, codes.ignore_index),
        ),
        ComponentSizes(
            sizes.min_prediction if min_prediction is None else min_prediction,
            sizes.min_target if min_target is None else min_target,
        ),
        (dataset.aggregate if dataset else "pooled") if aggregate is None else aggregate,
    )
