"""
Maskomaly step by step
======================

Maskomaly turns the masks of a plain segmentation network into anomaly scores: what confident masks
of known classes claim is normal, what the masks of a few mined queries claim belongs to no class.
This example uses the small network in the package, on a synthetic street.
"""

# %%
# **The network and its queries.** The network was trained on synthetic streets and never saw
# objects of this kind. It answers with 40 queries: each has a mask, and says which class it is, or
# void.
from pathlib import Path

from maskomaly import load_model
from maskomaly.pages import queries_page
from maskomaly.registry import registered
from maskomaly.tiny.labels import anomaly_mask
from maskomaly.tiny.scenes import draw_scene
from mdmkit.plots import save_figure

network = load_model("tiny", device="cpu")
config = registered(network.digest)  # thresholds, and the queries mined for these weights
scene = draw_scene(11, "test")
(outputs,) = network.predict([scene.image])
truth = anomaly_mask(scene.labels)
print(f"{outputs.queries} queries, {outputs.classes} classes and void")
print(f"A, queries that see anomalies: {config.anomaly_queries}")
page = queries_page(
    scene.image, outputs, anomaly_queries=config.anomaly_queries,
    init_queries=config.init_queries, target=truth == 1, valid=truth != 255, most=14,
)  # fmt: skip
save_figure(page, Path("queries.png"))

# %%
# **Reject, border, accept.** Each term can be switched off; `ablation_configs` has the rows of the
# paper. *Reject* (R) is high where no confident mask claims the pixel. The *border* rule (B) takes
# back the seams between masks, where nothing is anomalous. *Accept* (A) is high where a mined query
# claims it; the score (ARB) is the weighted sum.
import matplotlib.pyplot as plt

from maskomaly import ablation_configs, maskomaly

maps = {row: maskomaly(outputs, each).numpy() for row, each in ablation_configs(config).items()}
titles = {
    "R": "R: reject",
    "RB": "RB: without the borders of masks",
    "A": "A: accept",
    "ARB": "ARB: the score",
}
figure, axes = plt.subplots(2, 3, figsize=(9, 3.2), layout="constrained")
axes[0, 0].imshow(scene.image)
axes[0, 0].set_title("image")
axes[1, 0].imshow(truth == 1, cmap="gray", interpolation="nearest")
axes[1, 0].set_title("anomalies")
for ax, (row, title) in zip(axes[:, 1:].flat, titles.items(), strict=True):
    shown = ax.imshow(maps[row], vmin=0, vmax=1, cmap="magma")
    ax.set_title(title)
figure.colorbar(shown, ax=axes[:, 1:], shrink=0.8)
for ax in axes.flat:
    ax.set_axis_off()
figure.savefig("terms.png", dpi=160)
plt.close(figure)

# %%
# **What the terms are worth**, on eight streets: AP, and the margin of F1 at T = 0.5.
from maskomaly import score
from mdmkit import compare

streets = [draw_scene(seed, "test") for seed in range(8)]
masks = [anomaly_mask(street.labels) for street in streets]
seen = network.predict([street.image for street in streets])
rows = {
    row: [(maskomaly(each, changed), mask) for each, mask in zip(seen, masks, strict=True)]
    for row, changed in ablation_configs(config).items()
}
rows["MSP"] = [(score(each, "msp"), mask) for each, mask in zip(seen, masks, strict=True)]
print(compare(rows, metrics="ap,fpr95,best_f1,mdm_f1@0.5"))

# %%
# **One street at three thresholds**, beside MSP, the usual baseline on the same outputs.
from mdmkit import Frame
from mdmkit.plots import thresholds_figure

frames = {
    "maskomaly": Frame(maps["ARB"], truth),
    "msp": Frame(score(outputs, "msp"), truth),
}
save_figure(thresholds_figure(frames, image=scene.image), Path("thresholds.png"))
