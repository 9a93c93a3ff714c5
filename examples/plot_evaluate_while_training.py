"""
Evaluate while training
=======================

Average precision leaps up as soon as the network ranks pixels well. The Maximal Detection Margin
says how far its scores can be trusted at a threshold, and at which one: it is still close to zero
then, and grows from epoch to epoch.

A small network learns to find bright discs on textured ground. After each epoch the metrics of
`mdmkit.integrations.torchmetrics` judge it on frames that it was not trained on.
"""

# %%
# Frames: textured ground, a few discs that are a little brighter than it, a border to ignore.

import warnings

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn.functional import avg_pool2d, binary_cross_entropy_with_logits

from mdmkit.integrations.torchmetrics import AnomalySegmentationMetrics, MaximalDetectionMargin

torch.manual_seed(0)
torch.set_num_threads(1)
SIZE = 64


def draw_frames(n):
    """Images (n, 1, 64, 64) and labels (n, 64, 64): 1 anomaly, 0 normal, 255 ignore."""
    rows, columns = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    target = torch.zeros((n, SIZE, SIZE), dtype=torch.uint8)
    for _ in range(3):
        row, column = torch.randint(8, SIZE - 8, (2, n, 1, 1))
        radius = torch.randint(3, 8, (n, 1, 1))
        target[(rows - row) ** 2 + (columns - column) ** 2 < radius**2] = 1
    texture = avg_pool2d(torch.randn(n, 1, SIZE, SIZE), 5, stride=1, padding=2) * 2
    images = texture + 0.7 * torch.randn(n, 1, SIZE, SIZE) + 1.5 * target[:, None]
    target[:, :2] = target[:, -2:] = 255
    return images, target


train_images, train_target = draw_frames(96)
images, target = draw_frames(32)

# %%
# The training loop knows nothing of thresholds. The metrics count pixels where the tensors lie; in
# distributed training they would add up what all processes counted. In the first epochs scores are
# nearly the same, and many share a bin: AP is known to half a percent then, which is enough here.

warnings.filterwarnings("ignore", ".*known only to brackets")

network = nn.Sequential(
    nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(),
    nn.Conv2d(8, 8, 5, padding=2), nn.ReLU(),
    nn.Conv2d(8, 1, 5, padding=2),
)  # fmt: skip
optimizer = torch.optim.Adam(network.parameters(), 3e-3)
margin_metric = MaximalDetectionMargin(t_margin=0.6, metric="f1")
metrics = AnomalySegmentationMetrics("ap,best_f1")
history = []

for _ in range(16):
    for part in torch.randperm(len(train_images)).split(16):
        logits, labels = network(train_images[part])[:, 0], train_target[part]
        known = labels != 255
        loss = binary_cross_entropy_with_logits(logits[known], labels[known].float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    with torch.inference_mode():
        for part in torch.arange(len(images)).split(16):
            scores = network(images[part]).sigmoid()
            margin_metric.update(scores, target[part][:, None])
            metrics.update(scores, target[part][:, None])
    history.append((metrics.compute()["ap"].item(), margin_metric.margin()))
    margin_metric.reset()
    metrics.reset()

for epoch in (0, 4, 9, 15):
    ap, margin = history[epoch]
    where = "nowhere" if margin.interval is None else "in [{:.3f}, {:.3f})".format(*margin.interval)
    print(f"epoch {epoch + 1:>2}: AP {ap:.3f}, MDM {margin.value:.3f}: F1 > 0.6 {where}")

# %%
# Left: both numbers over the epochs. Right: the range of thresholds that the margin stands for,
# between too many false alarms and too many missed pixels; the dot is the recommended threshold.
# The usual 0.5 lies in none of these ranges.

epochs = range(1, len(history) + 1)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
left.plot(epochs, [ap for ap, _ in history], color="#0072b2")
left.plot(epochs, [margin.value for _, margin in history], color="#d55e00")
left.annotate("AP", (epochs[-1], history[-1][0]), (4, 0), textcoords="offset points", va="center")
left.annotate(
    "MDM", (epochs[-1], history[-1][1].value), (4, 0), textcoords="offset points", va="center"
)
left.set(xlabel="epoch", ylabel="AP, MDM of F1 at T = 0.6", ylim=(0, 1))

for epoch, (_, margin) in zip(epochs, history, strict=True):
    if margin.interval is not None:
        right.plot(
            [epoch, epoch], margin.interval, color="#d55e00", linewidth=5, alpha=0.4,
            solid_capstyle="butt",
        )  # fmt: skip
        right.plot(epoch, margin.threshold, "o", color="#d55e00", markersize=4)
right.set(xlabel="epoch", ylabel="thresholds with F1 > 0.6", ylim=(0, 1), xlim=left.get_xlim())
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
figure.savefig("training.png", dpi=160)
plt.close(figure)
