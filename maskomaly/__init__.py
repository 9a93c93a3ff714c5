"""Maskomaly: anomaly segmentation by post-processing the masks of a plain segmentation network.

Zero-shot: a network that was trained to segment known classes proposes masks, and some of its
object queries learn to propose what belongs to no class (Ackermann, Sakaridis, Yu, BMVC 2023).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mdmkit.core.extras import needed_by

# Where each public name lives; fetched on first use, so that `import maskomaly` needs no torch.
_HOME = {
    "DenseOutputs": "outputs",
    "Geometry": "outputs",
    "MaskOutputs": "outputs",
    "MaskomalyConfig": "config",
    "average_within": "instances",
    "Mixtures": "densities",
    "SCORES": "scores",
    "ablation_configs": "config",
    "check_queries": "algorithm",
    "densehybrid": "densities",
    "fit_mixtures": "densities",
    "gmmseg": "densities",
    "maskomaly": "algorithm",
    "score": "scores",
    "Network": "networks",
    "Preprocessing": "preprocess",
    "convert_detectron2": "convert",
    "convert_to_folder": "convert",
    "load_model": "models",
}

__all__ = [*_HOME]

if TYPE_CHECKING:
    from maskomaly.algorithm import check_queries as check_queries
    from maskomaly.algorithm import maskomaly as maskomaly
    from maskomaly.config import MaskomalyConfig as MaskomalyConfig
    from maskomaly.config import ablation_configs as ablation_configs
    from maskomaly.convert import convert_detectron2 as convert_detectron2
    from maskomaly.convert import convert_to_folder as convert_to_folder
    from maskomaly.densities import Mixtures as Mixtures
    from maskomaly.densities import densehybrid as densehybrid
    from maskomaly.densities import fit_mixtures as fit_mixtures
    from maskomaly.densities import gmmseg as gmmseg
    from maskomaly.instances import average_within as average_within
    from maskomaly.models import load_model as load_model
    from maskomaly.networks import Network as Network
    from maskomaly.outputs import DenseOutputs as DenseOutputs
    from maskomaly.outputs import Geometry as Geometry
    from maskomaly.outputs import MaskOutputs as MaskOutputs
    from maskomaly.preprocess import Preprocessing as Preprocessing
    from maskomaly.scores import SCORES as SCORES
    from maskomaly.scores import score as score


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'maskomaly' has no attribute {name!r}")
    with needed_by(f"maskomaly.{name}"):
        value = getattr(import_module(f"maskomaly.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
