"""Metrics of torchmetrics: the numbers of `evaluate`, from counts that add up."""

from __future__ import annotations

import io
import math
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mdmkit import FBeta, InputError, NoTargetError, SIoU, evaluate, mdm
from tests.conftest import examples, small_frames

torch = pytest.importorskip("torch", reason="torch is not installed")
with warnings.catch_warnings():  # of libraries that torchmetrics looks for
    warnings.simplefilter("ignore")
    torchmetrics = pytest.importorskip("torchmetrics", reason="torchmetrics is not installed")

from mdmkit.integrations import device_counts as counting  # noqa: E402
from mdmkit.integrations.device_keys import keys_of  # noqa: E402
from mdmkit.integrations.histogram import EDGES  # noqa: E402
from mdmkit.integrations.torchmetrics import (  # noqa: E402
    AnomalySegmentationMetrics,
    MaximalDetectionMargin,
)

OPEN = pytest.mark.filterwarnings("ignore:.*known only to brackets:UserWarning")
PIXELS = (
    "ap,auroc,fpr95,fpr@tpr=0.5,best_f1,f1@z=0.5,precision@z=0.3,fpr@z=0.25,"
    "mdm_f1@0.5,mdm_f1@0.0,mdm_iou@0.3,mdm_precision@0.6,mdm_recall@0.2"
)
COMPONENTS = "siou_gt,ppv,mean_f1,siou@z=0.5,mdm_siou@0.2,mdm_mean_f1@0.1,mdm_ppv@0.3"


def counted(frames, metrics=PIXELS, **settings):
    """A metric that has seen these frames, one after the other."""
    metric = AnomalySegmentationMetrics(metrics, **settings)
    for scores, target in frames:
        metric.update(as_tensor(scores), as_tensor(target))
    return metric


def as_tensor(array):
    return array if isinstance(array, torch.Tensor) else torch.from_numpy(np.asarray(array))


def same(a, b):
    """Whether two values of a result are one: NaN and None both mean undefined."""
    undefined = [x is None or (isinstance(x, float) and math.isnan(x)) for x in (a, b)]
    return all(undefined) or a == b


def drawn(seed, n=3, shape=(7, 9), share=0.3):
    """Random float32 frames with ignored pixels."""
    rng = np.random.default_rng(seed)
    frames = []
    for _ in range(n):
        target = (rng.random(shape) < share).astype(np.uint8)
        target[rng.random(shape) < 0.1] = 255
        target[0, 0] = 1
        frames.append((rng.random(shape).astype(np.float32), target))
    return frames


def states(metric):
    return {name: part.clone() for name, part in metric.metric_state.items()}


def assert_same_states(a, b):
    for name, part in states(a).items():
        assert torch.equal(part, getattr(b, name)), name


# ------------------------------------------------------------------- the same numbers as `evaluate`


def in_bins(scores, dtype):
    """Scores of a dtype that no two share a cell of the grid with."""
    if dtype in (torch.uint8, torch.bool):
        return torch.from_numpy(np.round(scores * 255)).to(dtype)
    if dtype in (torch.float16, torch.bfloat16):  # all of them
        return torch.from_numpy(scores**8).to(dtype)
    return torch.from_numpy(np.round(scores * 65536) / 65536).to(dtype)


EXACT = (torch.uint8, torch.bool, torch.float16, torch.bfloat16, torch.float32, torch.float64)


@given(
    st.integers(0, 2**32 - 1), st.sampled_from(EXACT), st.sampled_from([(4, 5), (1, 1), (23, 17)])
)
def test_numbers_are_those_of_evaluate_where_no_two_scores_share_a_cell(seed, dtype, shape):
    frames = [(in_bins(s.astype(np.float64), dtype), t) for s, t in drawn(seed, shape=shape)]
    metric = counted(frames)
    found = metric.numbers()
    expected = evaluate(frames, PIXELS).numbers
    for key, number in found.items():
        assert same(float(number), float(expected[key])), key
        assert (number.interval, number.threshold) == (
            expected[key].interval,
            expected[key].threshold,
        )
    for key, bracket in metric.brackets().items():  # closed, but for the rounding of sums
        assert bracket == pytest.approx((float(found[key]),) * 2, abs=1e-12, nan_ok=True), key


@pytest.mark.parametrize(("dtype", "one"), [(torch.float16, 0x3C00), (torch.bfloat16, 0x3F80)])
def test_no_two_scores_of_16_bits_share_a_bin(dtype, one):
    scores = torch.arange(one + 1, dtype=torch.int16).view(dtype).double()
    keys = keys_of(scores[scores >= torch.finfo(torch.float32).smallest_normal])
    assert keys.unique().numel() == keys.numel()


@given(
    st.lists(
        st.floats(-0.5, 1.5)
        | st.floats(0, 1).map(lambda x: x**20)
        | st.floats(0, 1).map(lambda x: 1 - x**20)
        | st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 5e-324, 1e-45, *EDGES[::997]]),
        min_size=1,
    ),
    st.sampled_from([torch.float32, torch.float64]),
)
def test_keys_are_those_of_a_search(scores, dtype):
    values = torch.tensor(scores, dtype=torch.float64).to(dtype)
    exact = values.double().numpy()
    bins = np.searchsorted(EDGES, exact)
    known = 2 * bins + (EDGES[bins.clip(max=EDGES.size - 1)] == exact)
    inside = (exact >= 0) & (exact <= 1)
    assert keys_of(values).tolist() == np.where(inside, known, 2 * EDGES.size).tolist()


@given(small_frames())
@example([(np.array([[0.3, 0.3000001]]), np.array([[0, 1]], np.uint8))])
def test_brackets_hold_the_numbers_of_evaluate(frames):
    metric = counted(frames)
    values = {key: float(number) for key, number in metric.numbers().items()}
    brackets = metric.brackets()
    expected = evaluate(frames, PIXELS)
    for key, (low, high) in brackets.items():
        if expected[key] is None:
            assert math.isnan(values[key]), key
            assert math.isnan(low), key
        else:
            slack = 1e-12  # of sums of ratios; NaN: may be undefined within the cells
            assert not low - slack > expected[key], key
            assert not low - slack > values[key], key
            assert max(expected[key], values[key]) <= high + slack, key


def test_a_bracket_of_scores_within_one_cell_is_open():
    frames = [(np.array([[0.3, 0.3000001]]), np.array([[0, 1]], np.uint8))]
    low, high = counted(frames, "ap").brackets()["ap"]
    assert low < high == 1


@examples(20)
@given(small_frames(), st.integers(0, 3), st.integers(0, 4))
@example(
    [(np.array([[0.5117, 0.9507, 0.1442]], np.float16), np.array([[0, 0, 1]], np.uint8))], 3, 0
)
def test_brackets_hold_component_metrics(frames, min_prediction, min_target):
    sizes = {"min_prediction": min_prediction, "min_target": min_target}
    try:
        expected = evaluate(frames, COMPONENTS, **sizes)
    except NoTargetError:
        with pytest.raises(NoTargetError):
            counted(frames, COMPONENTS, **sizes).compute()
        return
    metric = counted(frames, COMPONENTS, **sizes)
    values = {key: float(number) for key, number in metric.numbers().items()}
    for key, (low, high) in metric.brackets().items():
        assert not high > 1, key
        for value in (expected[key], values[key]):
            if value is not None and not math.isnan(value):  # NaN as low: it may be undefined
                assert not low - 1e-9 > value, key
                assert value <= high + 1e-9, key


@examples(20)
@given(st.integers(0, 2**32 - 1))
def test_component_metrics_are_exact_at_multiples_of_4096ths(seed):
    frames = [(np.round(s * 64) / 64, t) for s, t in drawn(seed)]
    metric = counted(frames, COMPONENTS, min_target=2)
    expected = evaluate(frames, COMPONENTS, min_target=2)
    values = {key: float(number) for key, number in metric.numbers().items()}
    for key, (low, high) in metric.brackets().items():
        assert same(values[key], float(expected.numbers[key])), key
        if expected[key] is not None:
            assert low == pytest.approx(high, abs=1e-9), key


@pytest.mark.parametrize("metric", ["f1", "recall", FBeta(2), SIoU(3, 1)])
def test_a_margin_is_that_of_mdm(metric):
    frames = [(np.round(s * 4096) / 4096, t) for s, t in drawn(3)]
    found = MaximalDetectionMargin(0.2, metric)
    for scores, target in frames:
        found.update(torch.from_numpy(scores), torch.from_numpy(target))
    scores, target = zip(*frames, strict=True)
    expected = mdm(list(scores), list(target), 0.2, metric)
    margin = found.margin()
    assert (margin.value, margin.interval, margin.threshold) == (
        expected.value, expected.interval, expected.threshold
    )  # fmt: skip
    assert float(found.compute()) == expected.value
    assert found.compute().dtype == torch.float64
    assert found.compute().ndim == 0


def test_thresholds_are_compared_exactly():
    scores = torch.tensor([[0.3]])  # as float32, just above the double 0.3
    metric = AnomalySegmentationMetrics(["recall@z=0.3"])
    metric.update(scores, torch.tensor([[1]]))
    assert float(metric.compute()["recall@z=0.3"]) == 1


def test_negative_zero_is_zero():
    for dtype in (torch.float16, torch.float32, torch.float64):
        metric = AnomalySegmentationMetrics(["recall@z=0.0", "auroc"])
        metric.update(torch.tensor([[-0.0, 0.0]], dtype=dtype), torch.tensor([[1, 0]]))
        values = {key: float(value) for key, value in metric.compute().items()}
        assert values == {"recall@z=0.0": 0, "auroc": 0.5}


def test_unsigned_integers_mean_value_over_maximum():
    for dtype in ("uint8", "uint16", "uint32", "uint64"):
        top = np.iinfo(dtype).max
        scores = np.array([[0, top // 5, top // 5 * 2, top]], dtype)
        target = np.array([[0, 1, 0, 1]], np.uint8)
        margin = counted([(scores, target)]).numbers()["mdm_f1@0.5"]
        expected = evaluate([(scores, target)], "mdm_f1@0.5").numbers["mdm_f1@0.5"]
        assert margin.interval == expected.interval


def test_real_score_maps_lie_within_brackets(real_frames):
    from mdmkit.io import read_mask, read_scores

    frames = []
    for path in sorted((real_frames / "scores" / "espnetv2-entropy").iterdir())[:3]:
        target = read_mask(real_frames / "frames" / f"{path.stem}.labels" / "labels_semantic.png")
        frames.append((read_scores(path), (target == 2).astype(np.uint8)))
    expected = evaluate(frames, PIXELS)
    for key, (low, high) in counted(frames).brackets().items():
        assert low <= expected[key] <= high, key
        assert high - low < 2e-3, key


# ------------------------------------------------------------------------------ labels and shapes


LABELS = [
    {"anomaly_label": 2, "normal_label": (0, 1), "ignore_index": None},
    {"anomaly_label": (5, 300), "normal_label": -1, "ignore_index": 70000},
    {"anomaly_label": 0, "normal_label": 1},
]


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_label_values_mean_what_they_are_said_to(labels, dtype):
    rng = np.random.default_rng(0)
    known = np.concatenate([np.ravel(v) for v in labels.values() if v is not None])
    target = rng.choice(known, (6, 8)).astype(dtype)
    scores = rng.integers(0, 65537, target.shape) / 65536
    metric = AnomalySegmentationMetrics("ap,mdm_f1@0.2", **labels)
    metric.update(torch.from_numpy(scores), torch.from_numpy(target))
    assert metric.numbers()["ap"].value == evaluate([(scores, target)], "ap", **labels)["ap"]


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int8, torch.int64])
def test_labels_of_any_integer_dtype_are_counted_alike(dtype):
    scores, target = drawn(0, 1)[0]
    target[target == 255] = 0
    a = counted([(scores, target)])
    assert_same_states(a, counted([(scores, torch.from_numpy(target).to(dtype))]))


@pytest.mark.parametrize("shape", [(6, 3, 4), (6, 1, 3, 4), (18, 4)])
def test_stacks_and_batches_are_frames(shape):
    rng = np.random.default_rng(0)
    scores = torch.from_numpy(rng.random((6, 3, 4)))
    target = torch.from_numpy(rng.integers(0, 2, (6, 3, 4)))
    alone = counted([(s.numpy(), t.numpy()) for s, t in zip(scores, target, strict=True)])
    metric = AnomalySegmentationMetrics(PIXELS)
    metric.update(scores.reshape(shape), target.reshape(shape))
    assert metric.numbers() == alone.numbers()
    assert int(metric.frames) == (6 if len(shape) > 2 else 1)


def test_maps_of_any_layout_are_read():
    scores, target = (torch.from_numpy(a) for a in drawn(0, 1)[0])
    turned = counted([(scores.T, target.T)])
    assert_same_states(turned, counted([(scores, target)]))
    wide = torch.stack([scores, scores], dim=-1)[..., 0]
    assert_same_states(turned, counted([(wide.requires_grad_(), target)]))


def test_ignored_pixels_may_hold_anything():
    scores = torch.tensor([[0.5, torch.nan, 7.0, torch.inf, 0.25]])
    target = torch.tensor([[1, 255, 99, 0, 0]])
    ignore = torch.tensor([[False, False, True, True, False]])
    metric = AnomalySegmentationMetrics(PIXELS)
    metric.update(scores, target, ignore)
    only = counted([(np.array([[0.5, 0.25]], np.float32), np.array([[1, 0]]))])
    assert_same_states(metric, only)


# ------------------------------------------------------------------------- any way of adding it up


@examples(20)
@given(st.integers(0, 2**32 - 1), st.data())
def test_any_split_into_batches_gives_the_same_bits(seed, data):
    frames = drawn(seed, 6)
    scores, target = (torch.from_numpy(np.stack(part)) for part in zip(*frames, strict=True))
    at_once = AnomalySegmentationMetrics(PIXELS + "," + COMPONENTS)
    at_once.update(scores, target)
    order = torch.tensor(data.draw(st.permutations(range(6))))
    cuts = data.draw(st.lists(st.integers(1, 5), max_size=4, unique=True).map(sorted))
    in_parts = AnomalySegmentationMetrics(PIXELS + "," + COMPONENTS)
    for part in np.split(order.numpy(), cuts):
        in_parts.update(scores[part], target[part])
    assert_same_states(at_once, in_parts)
    assert at_once.numbers() == in_parts.numbers()


def test_maps_are_counted_in_parts(monkeypatch):
    frames = drawn(0, 4) + [(s.astype(np.float16), t) for s, t in drawn(1, 2)]
    whole = counted(frames)
    monkeypatch.setattr(counting, "CHUNK_OF_CPU", 5)
    assert_same_states(whole, counted(frames))


@OPEN
def test_metrics_merge():
    frames = drawn(0, 5)
    names = PIXELS + "," + COMPONENTS
    whole, a, b = (counted(part, names) for part in (frames, frames[:2], frames[2:]))
    a.compute()  # what was computed before is stale
    a.merge_state(b)
    assert_same_states(whole, a)
    assert a.numbers() == whole.numbers()
    assert str(a.compute()) == str(whole.compute())
    fresh = AnomalySegmentationMetrics(names)
    fresh.merge_state(states(whole))
    assert str(fresh.compute()) == str(whole.compute())


@pytest.mark.parametrize("other", [{"anomaly_label": 2}, {"min_target": 5}])
def test_metrics_that_count_otherwise_do_not_merge(other):
    names = "ap,mdm_siou@0.5"
    metric = AnomalySegmentationMetrics(names)
    with pytest.raises(InputError, match="state: expected counts by the labels"):
        metric.merge_state(AnomalySegmentationMetrics(names, **other))


@OPEN
def test_metrics_are_pickled_and_copied():
    metric = counted(drawn(0), PIXELS + "," + COMPONENTS, ignore_index=(255, 7))
    buffer = io.BytesIO()
    torch.save(metric, buffer)
    buffer.seek(0)
    for copy in (pickle.loads(pickle.dumps(metric)), metric.clone(),
                 torch.load(buffer, weights_only=False)):  # fmt: skip
        copy.update(*map(torch.from_numpy, drawn(1, 1)[0]))
        copy.compute()
        assert int(copy.frames) == 4
    assert int(metric.frames) == 3


def test_reset_forgets_everything():
    metric = counted(drawn(0), PIXELS + "," + COMPONENTS)
    metric.reset()
    assert_same_states(metric, AnomalySegmentationMetrics(PIXELS + "," + COMPONENTS))
    metric.update(*map(torch.from_numpy, drawn(1, 1)[0]))
    assert repr(metric.numbers()) == repr(counted(drawn(1, 1), PIXELS + "," + COMPONENTS).numbers())


def test_states_are_stored_where_they_are_persistent():
    metric = counted(drawn(0))
    assert not metric.state_dict()
    metric.persistent(True)
    again = AnomalySegmentationMetrics(PIXELS)
    again.load_state_dict(metric.state_dict())
    assert repr(again.numbers()) == repr(metric.numbers())
    other = AnomalySegmentationMetrics(PIXELS, anomaly_label=2)
    other.load_state_dict(metric.state_dict())
    with pytest.raises(InputError, match="state: expected counts by the labels"):
        other.numbers()


def test_no_conversion_of_a_module_touches_integers():
    metric = counted(drawn(0))
    expected = metric.numbers()
    module = torch.nn.ModuleList([metric])
    for convert in (module.half, module.double, lambda: module.to(torch.float16),
                    lambda: metric.set_dtype(torch.float16)):  # fmt: skip
        convert()
        assert repr(metric.numbers()) == repr(expected)


def test_forward_returns_the_value_of_the_batch():
    frames = drawn(0, 4)
    metric = AnomalySegmentationMetrics(PIXELS)
    for scores, target in frames:
        found = metric(torch.from_numpy(scores), torch.from_numpy(target))
        assert str(found) == str(counted([(scores, target)]).compute())
    assert_same_states(metric, counted(frames))
    assert str(metric.compute()) == str(counted(frames).compute())


def test_forward_of_a_batch_without_anomalies_is_nan_and_is_counted():
    metric = MaximalDetectionMargin(0.5)
    empty = torch.tensor([[0.25]]), torch.tensor([[0]])
    assert torch.isnan(metric(*empty))
    with pytest.raises(NoTargetError):
        metric.compute()
    assert float(metric(torch.tensor([[0.75]]), torch.tensor([[1]]))) == 0.75
    assert metric.margin().interval == (0.0, 0.75)


@OPEN
def test_a_collection_shares_counts_and_gives_all_numbers():
    collection = torchmetrics.MetricCollection({
        "five": MaximalDetectionMargin(0.5),
        "seven": MaximalDetectionMargin(0.7),
        "all": AnomalySegmentationMetrics("ap,auroc"),
        "other": AnomalySegmentationMetrics({"fpr95"}, normal_label=(0, 7)),
        "components": MaximalDetectionMargin(0.2, "siou"),
    })  # fmt: skip
    frames = drawn(0)
    for scores, target in frames:
        collection.update(torch.from_numpy(scores), torch.from_numpy(target))
    groups = {frozenset(group) for group in collection.compute_groups.values()}
    assert frozenset(["five", "seven", "all"]) in groups
    assert len(groups) == 3
    found = collection.compute()
    names = "ap,auroc,fpr95,mdm_f1@0.5,mdm_f1@0.7"
    expected = counted(frames, names).compute()
    assert float(found["five"]) == float(expected["mdm_f1@0.5"])
    assert float(found["seven"]) == float(expected["mdm_f1@0.7"])
    for key in ("ap", "auroc", "fpr95"):
        (value,) = (v for k, v in found.items() if k.endswith(key))
        assert float(value) == float(expected[key])
    collection.reset()
    assert collection(torch.from_numpy(frames[0][0]), torch.from_numpy(frames[0][1]))
