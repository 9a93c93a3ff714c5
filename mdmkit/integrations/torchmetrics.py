"""mdmkit's numbers as torchmetrics metrics: counted where the maps lie, summed over processes.

Needs torchmetrics: `pip install '.[torchmetrics]'`.
"""

from __future__ import annotations

from collections.abc import Iterable

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.extras import needed_by
from mdmkit.core.labels import LabelCodes, Labels
from mdmkit.core.margin import Margin
from mdmkit.metrics.base import Metric as SegmentMetric
from mdmkit.metrics.base import check_anomalous
from mdmkit.metrics.curve import ThresholdCurve
from mdmkit.metrics.measures import MarginAt, Measure
from mdmkit.metrics.names import parse_measures
from mdmkit.metrics.registry import as_metric

with needed_by("mdmkit.integrations.torchmetrics"):
    from torch import Tensor

    from mdmkit.integrations.counted_metric import CountedMetric


class AnomalySegmentationMetrics(CountedMetric):
    """Computes numbers of anomaly segmentation by name, as a torchmetrics metric.

    Parameters
    ----------
    metrics : str, or iterable of str or Measure
        Measure names, see `mdmkit.metrics.names`: `ap`, `auroc`, `fpr95`, `best_f1`,
        `mdm_METRIC@T`, `METRIC@z=Z`, `fpr@tpr=R`; with component metrics (`siou_gt`, `ppv`,
        `mean_f1`, margins of `siou`, `ppv`, `mean_f1`) and those of regions (`aupro@fpr=0.3`,
        `pro@z=Z`, `mdm_pro@T`) **maps are copied to the host** and counted there, frame by frame.
    min_prediction, min_target : int
        Component sizes in pixels.
    normal_label, anomaly_label, ignore_index : int, collection of int, or None
        Label values of `target`, as in `mdmkit.Frame`.
    validate : bool
        Refuse bad batches in `update`, which waits for the device once each time. False: bad
        pixels are counted apart, without waiting, and `compute` raises.
    no_target : {"error", "nan"}
        What `compute` does where a margin has nothing to detect: raise `NoTargetError`, or give
        NaN. Other numbers are NaN where they are undefined; so is every value of `forward`.
    **kwargs
        Those of `torchmetrics.Metric`.

    Notes
    -----
    A pixel is predicted where score > z, compared exactly. `compute` returns a dictionary of
    float64 scalars. Pixels are counted on the device of the maps at 149,250 thresholds, j / 65536
    and more towards 0 and 1: numbers are exact where no two different scores lie strictly between
    two of them (8-bit scores, float16, bfloat16, multiples of 1 / 65536); else `brackets` bounds
    them, and `compute` warns once of a bracket wider than 0.001. Components are known at the 4,097
    thresholds j / 4096. States are integers that add up: any split of the
    frames over batches and processes gives the same numbers, to the last bit. O(P) for P pixels.

    Examples
    --------
    >>> import torch
    >>> metrics = AnomalySegmentationMetrics("ap,mdm_f1@0.5")
    >>> metrics.update(torch.tensor([[0.25, 0.5, 0.75]]), torch.tensor([[0, 1, 1]]))
    >>> {key: float(value) for key, value in metrics.compute().items()}
    {'ap': 1.0, 'mdm_f1@0.5': 0.75}
    >>> metrics.numbers()["mdm_f1@0.5"].interval
    (0.0, 0.75)
    """

    def __init__(
        self,
        metrics: str | Iterable[str | Measure] = "ap,auroc,fpr95,best_f1,mdm_f1@0.5",
        *,
        min_prediction: int = 0,
        min_target: int = 0,
        normal_label: Labels = 0,
        anomaly_label: Labels = 1,
        ignore_index: Labels = 255,
        validate: bool = True,
        no_target: str = "error",
        **kwargs: object,
    ) -> None:
        measures = parse_measures(metrics, ComponentSizes(min_prediction, min_target))
        codes = LabelCodes(normal_label, anomaly_label, ignore_index)
        super().__init__(measures, codes, validate, no_target, **kwargs)

    def compute(self) -> dict[str, Tensor]:
        """Each number by name, as a float64 scalar.

        Raises
        ------
        NoTargetError
            If a margin has nothing to detect, unless `no_target="nan"`.
        InputError
            If bad pixels were met and `validate=False`.
        """
        return {key: self._tensor(number) for key, number in self._warned_of().items()}


class MaximalDetectionMargin(CountedMetric):
    """Computes the Maximal Detection Margin of a metric at a required quality T, for torchmetrics.

    Parameters
    ----------
    t_margin : float
        T, in [0, 1); the metric must exceed it strictly.
    metric : str or mdmkit.Metric
        `f1`, `iou`, `precision`, `recall`, or a metric of counts such as `FBeta(2)`; component
        metrics too, for which maps are copied to the host.
    min_prediction, min_target, normal_label, anomaly_label, ignore_index, validate, no_target
        As for `AnomalySegmentationMetrics`.
    **kwargs
        Those of `torchmetrics.Metric`.

    Notes
    -----
    `compute` returns the value as a float64 scalar; `margin` the interval, the recommended
    threshold and the bracket, too. See `AnomalySegmentationMetrics`.

    References
    ----------
    Ackermann, Sakaridis, Yu: Maskomaly: Zero-Shot Mask Anomaly Segmentation, BMVC 2023.

    Examples
    --------
    >>> import torch
    >>> metric = MaximalDetectionMargin(t_margin=0.5)
    >>> metric.update(torch.tensor([[0.25, 0.5, 0.75]]), torch.tensor([[0, 0, 1]]))
    >>> float(metric.compute())
    0.5
    >>> metric.margin().interval
    (0.25, 0.75)
    """

    higher_is_better = True

    def __init__(
        self,
        t_margin: float,
        metric: str | SegmentMetric = "f1",
        *,
        min_prediction: int = 0,
        min_target: int = 0,
        normal_label: Labels = 0,
        anomaly_label: Labels = 1,
        ignore_index: Labels = 255,
        validate: bool = True,
        no_target: str = "error",
        **kwargs: object,
    ) -> None:
        chosen = as_metric(metric, ComponentSizes(min_prediction, min_target))
        codes = LabelCodes(normal_label, anomaly_label, ignore_index)
        super().__init__((MarginAt(chosen, t_margin),), codes, validate, no_target, **kwargs)

    @property
    def _asked(self) -> MarginAt:
        (measure,) = self._measures
        assert isinstance(measure, MarginAt)
        return measure

    def compute(self) -> Tensor:
        """The margin, a float64 scalar.

        Raises
        ------
        NoTargetError
            If there is nothing to detect, unless `no_target="nan"`.
        InputError
            If bad pixels were met and `validate=False`.
        """
        return self._tensor(self._warned_of()[self._asked.key])

    def curve(self) -> ThresholdCurve:
        """d(z) over all thresholds, with its bounds; every process is to call it."""
        sweeps = self.sweeps()
        check_anomalous(sweeps.pixels.anomalous)
        return sweeps.curve(self._asked.metric)

    def margin(self) -> Margin:
        """The margin with its interval, recommended threshold and bracket.

        Raises
        ------
        NoTargetError
            If there is nothing to detect.
        """
        return self.curve().margin(self._asked.t_margin)
