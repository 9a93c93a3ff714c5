"""On a GPU the scores are those of the CPU; without one, these tests are skipped."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from maskomaly import MaskomalyConfig, score  # noqa: E402
from maskomaly.queries import mask_at_image  # noqa: E402
from maskomaly.scores import SCORES  # noqa: E402
from tests.maskomaly.drawn import random_outputs  # noqa: E402

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("seed", range(8))
def test_a_gpu_gives_the_scores_of_a_cpu(name, seed):
    names = ("road", "sky", "car", "unknown")
    outputs = replace(random_outputs(seed, queries=12), class_names=names)
    config = MaskomalyConfig(t_mask=0.5, anomaly_queries=(0, 3), init_queries=(5,))
    here = score(outputs, name, config)
    there = score(outputs.to("cuda"), name, config)
    assert there.device.type == "cuda"
    masks = torch.stack([mask_at_image(outputs, query) for query in range(outputs.queries)])
    decided = ((masks - config.t_border).abs() > 1e-5).all(0)  # elsewhere a rounding may decide
    assert float((here - there.cpu())[decided].abs().max()) < 1e-5 * max(
        1.0, float(here.abs().max())
    )
