"""Metrics of torchmetrics where they are used: processes, training loops, evaluators, GPUs."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
with warnings.catch_warnings():  # of libraries that torchmetrics looks for
    warnings.simplefilter("ignore")
    torchmetrics = pytest.importorskip("torchmetrics", reason="torchmetrics is not installed")

from mdmkit import InputError, NoTargetError, evaluate  # noqa: E402
from mdmkit.integrations.torchmetrics import (  # noqa: E402
    AnomalySegmentationMetrics,
    MaximalDetectionMargin,
)

pytestmark = pytest.mark.slow

NAMES = "ap,auroc,fpr95,best_f1,mdm_f1@0.2,siou_gt,mdm_siou@0.1"


def drawn(seed, n=4, shape=(12, 16)):
    """Images whose first channel tells anomalies, and labels with ignored pixels."""
    draw = torch.Generator().manual_seed(seed)
    target = (torch.rand((n, *shape), generator=draw) < 0.2).to(torch.int64)
    images = torch.randn((n, 3, *shape), generator=draw)
    images[:, 0] += 1.5 * target
    target[torch.rand((n, *shape), generator=draw) < 0.1] = 255
    return images, target


# --------------------------------------------------------------------------------- two processes


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    """What two processes returned, that know each other by a file and run everything below."""
    folder = tmp_path_factory.mktemp("processes")
    torch.multiprocessing.spawn(_in_process, (str(folder), 2), nprocs=2)
    results = [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(2)]
    return {name: [result[name] for result in results] for name in results[0]}


def _in_process(rank, folder, processes):
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=processes
    )
    try:
        results = {"counted": counted_by(rank), "trained": trained(rank)}
        torch.save(results, f"{folder}/{rank}.pt")
        torch.distributed.barrier()
    finally:
        torch.distributed.destroy_process_group()


def counted_by(rank):
    """Uneven shares: one process sees three batches, the other one."""
    metric = AnomalySegmentationMetrics(NAMES)
    shares = ([0, 1, 2], [3])[rank]
    alone = AnomalySegmentationMetrics("mdm_f1@0.5")
    alone.update(torch.tensor([[0.5]]), torch.tensor([[0]]))
    with pytest.raises(NoTargetError):  # in every process, and no process is left synchronised
        alone.compute()
    alone.update(torch.tensor([[0.75]]), torch.tensor([[1 - rank]]))
    late = float(alone.compute()["mdm_f1@0.5"])
    for seed in shares:
        images, target = drawn(seed)
        metric(images[:, 0].sigmoid(), target)
    values, numbers = metric.numbers(), metric.compute()
    metric.sync()
    states = metric.metric_state
    metric.unsync()
    own = int(metric.frames)
    return values, numbers, states, own, late


@pytest.mark.filterwarnings("ignore:.*known only to brackets:UserWarning")  # of components
def test_two_processes_give_the_bits_of_one(processes):
    whole = AnomalySegmentationMetrics(NAMES)
    for seed in range(4):
        images, target = drawn(seed)
        whole.update(images[:, 0].sigmoid(), target)
    for values, numbers, states, _, late in processes["counted"]:
        assert repr(values) == repr(whole.numbers())
        assert str(numbers) == str(whole.compute())
        for name, part in whole.metric_state.items():
            assert torch.equal(states[name], part), name
        assert late == 0.75 - 0.5  # between the two: F1 is 2/3 with both normal pixels predicted
    assert [own for _, _, _, own, _ in processes["counted"]] == [12, 4]


def trained(rank):
    """A loop of DistributedDataParallel; each process has its own images."""
    torch.manual_seed(0)
    network = torch.nn.parallel.DistributedDataParallel(torch.nn.Conv2d(3, 1, 1))
    optimizer = torch.optim.SGD(network.parameters(), 0.5)
    metric = MaximalDetectionMargin(0.2)
    margins, seen = [], []
    for _ in range(3):
        for seed in (rank, rank + 2):
            images, target = drawn(seed)
            scores = network(images).sigmoid()[:, 0]
            valid = target != 255
            loss = torch.nn.functional.binary_cross_entropy(scores[valid], target[valid].float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            metric.update(scores, target)
            seen.append((scores.detach(), target))
        margins.append((metric.compute(), metric.margin()))
        metric.reset()
    return margins, seen


def test_a_loop_of_ddp_logs_the_margin_of_all_processes(processes):
    (margins, seen), (other_margins, other_seen) = processes["trained"]
    assert margins == other_margins
    for epoch, (value, margin) in enumerate(margins):
        part = slice(2 * epoch, 2 * epoch + 2)
        pairs = [pair for s, t in seen[part] + other_seen[part] for pair in zip(s, t, strict=True)]
        exact = evaluate(pairs, "mdm_f1@0.2")["mdm_f1@0.2"]
        low, high = margin.bracket
        assert low <= exact <= high
        assert float(value) == margin.value
        assert high - low < 1e-4


# --------------------------------------------------------------------------- what others call


class LightningLike(torch.nn.Module):
    """What Lightning does with a metric that is an attribute of a module and is logged.

    It moves it with the module, updates or calls it a step, computes and resets it an epoch.
    """

    def __init__(self):
        super().__init__()
        self.network = torch.nn.Conv2d(3, 1, 1)
        self.margin = MaximalDetectionMargin(0.2, no_target="nan")
        self.metrics = AnomalySegmentationMetrics("ap,mdm_f1@0.2", no_target="nan")

    def validation_step(self, batch):
        images, target = batch
        scores = self.network(images).sigmoid()
        self.margin(scores, target[:, None])
        self.metrics.update(scores, target[:, None])

    def on_validation_epoch_end(self):
        logged = {"mdm": self.margin.compute(), **self.metrics.compute()}
        self.margin.reset()
        self.metrics.reset()
        return logged


def test_a_lightning_module_logs_the_same_epoch_after_epoch():
    module = LightningLike().to("cpu").eval()
    batches = [drawn(seed) for seed in range(2)]
    with torch.inference_mode():  # the sanity check before training: one batch, nothing to detect
        module.validation_step((batches[0][0], torch.zeros_like(batches[0][1])))
        assert torch.isnan(module.on_validation_epoch_end()["mdm"])
    logged = []
    for mode in (torch.inference_mode, torch.no_grad, torch.enable_grad):
        with mode():
            for batch in batches:
                module.validation_step(batch)
            logged.append(module.on_validation_epoch_end())
    assert str(logged[0]) == str(logged[1]) == str(logged[2])
    assert logged[0]["mdm"] == logged[0]["mdm_f1@0.2"] > 0
    module.load_state_dict(module.state_dict())  # no state is in the way of a checkpoint
    assert set(module.state_dict()) == {"network.weight", "network.bias"}


@dataclass
class Batch:
    """The fields of anomalib's batch which a pixel metric looks at."""

    anomaly_map: torch.Tensor | None
    gt_mask: torch.Tensor | None


class AnomalibLike:
    """What anomalib's `AnomalibMetric` adds: fields of a batch as arguments of `update`."""

    def __init__(self, fields, prefix="", strict=True, **kwargs):
        self.fields, self.strict = fields, strict
        self.name = prefix + type(self).__name__
        super().__init__(**kwargs)

    def update(self, batch, *args, **kwargs):
        if any(getattr(batch, field, None) is None for field in self.fields):
            self._update_count -= 1
            if self.strict:
                raise ValueError("a field is missing")
            return
        super().update(*(getattr(batch, field) for field in self.fields), *args, **kwargs)

    def compute(self):
        return None if self._update_count == 0 and not self.strict else super().compute()


@pytest.mark.parametrize("how", ["update", "forward"])
def test_an_evaluator_like_that_of_anomalib_is_served(how):
    kind = type("MaximalDetectionMargin", (AnomalibLike, MaximalDetectionMargin), {})
    metric = kind(fields=("anomaly_map", "gt_mask"), prefix="pixel_", strict=False, t_margin=0.2)
    metric.compute_on_cpu = True  # as anomalib's evaluator sets it on one device
    assert metric.name == "pixel_MaximalDetectionMargin"
    if how == "update":
        metric.update(Batch(None, None))
    pairs = []
    for seed in range(2):
        images, target = drawn(seed)
        scores, mask = images[:, :1].sigmoid(), target[:, None] == 1
        getattr(metric, how)(Batch(scores, mask))
        pairs += zip(scores[:, 0], mask[:, 0], strict=True)
    low, high = metric.margin().bracket
    assert low <= evaluate(pairs, "mdm_f1@0.2")["mdm_f1@0.2"] <= high
    assert metric.update_count == 2
    with pytest.raises(InputError):
        getattr(metric, how)(Batch(scores * 3, mask))
    assert metric.update_count == 2
    assert low <= float(metric.compute()) <= high


# ------------------------------------------------------------------------------------------- CUDA


on_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
PIXELS = "ap,auroc,fpr95,best_f1,mdm_f1@0.2,mdm_f1@0.5"


@on_cuda
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "uint8"])
def test_a_gpu_counts_the_bits_of_a_cpu(dtype):
    here = AnomalySegmentationMetrics(PIXELS)
    there = AnomalySegmentationMetrics(PIXELS).to("cuda")
    for seed in range(3):
        images, target = drawn(seed, shape=(64, 96))
        scores = images[:, 0].sigmoid()
        scores = scores.mul(255).byte() if dtype == "uint8" else scores.to(getattr(torch, dtype))
        here.update(scores, target)
        there.update(scores.cuda(), target.cuda())
    for name, part in here.metric_state.items():
        assert there.metric_state[name].device.type == "cuda"
        assert torch.equal(part, there.metric_state[name].cpu()), name
    assert there.compute()["ap"].device.type == "cuda"
    assert repr(here.numbers()) == repr(there.numbers())


@on_cuda
@pytest.mark.parametrize(("validate", "waits"), [(False, 0), (True, 1)])
def test_an_update_on_a_gpu_waits_only_to_validate(validate, waits):
    metric = AnomalySegmentationMetrics(PIXELS, validate=validate).to("cuda")
    images, target = (part.cuda() for part in drawn(0, shape=(256, 256)))
    for scores in (images[:, 0].sigmoid(), images[:, 0].sigmoid().half()):
        metric.update(scores, target)
        torch.cuda.synchronize()
        mode = torch.cuda.get_sync_debug_mode()
        torch.cuda.set_sync_debug_mode("warn")
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                metric.update(scores, target)
        finally:
            torch.cuda.set_sync_debug_mode(mode)
        found = [w for w in caught if "synchronizing CUDA operation" in str(w.message)]
        assert len(found) == waits, [str(w.message) for w in found]


@on_cuda
def test_an_update_on_a_gpu_copies_no_map_to_the_host():
    from torch.profiler import ProfilerActivity, profile

    metric = AnomalySegmentationMetrics(PIXELS).to("cuda")
    images, target = (part.cuda() for part in drawn(0, shape=(256, 256)))
    scores = images[:, 0].sigmoid()
    metric.update(scores, target)
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiled:
        metric.update(scores, target)
    copies = [event for event in profiled.events() if "Memcpy DtoH" in event.name]
    assert len(copies) <= 1  # the flag of validation
