"""Floor 3: folds, batches, the one training loop, and walk-forward fits of any network in parallel.

`run` fits and scores networks over all folds and seeds; `predict` scores sessions with fitted weights, for a live
day as for a fold; `train` fits one network on one fold in this process; `run_baselines` does the same for plain
scorers. Names are loaded when they are first used: torch and Lightning take seconds, settings and folds need neither.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fusion_factor.training.baselines import BaselineSettings, run_baselines
    from fusion_factor.training.batches import HighFrequencyInputs, LowFrequencyInputs, WindowInputs
    from fusion_factor.training.checkpoints import Checkpoint
    from fusion_factor.training.export import Exported, export_onnx, export_program, served_scores
    from fusion_factor.training.fit import FitJob
    from fusion_factor.training.folds import Fold
    from fusion_factor.training.joint_inputs import JointInputs
    from fusion_factor.training.module import FactorModule
    from fusion_factor.training.samples import Samples
    from fusion_factor.training.scoring import predict
    from fusion_factor.training.settings import FitSettings, FoldSettings, NetworkSettings
    from fusion_factor.training.trainer import train
    from fusion_factor.training.walk_forward import TrainingFailed, run

__all__ = [
    "BaselineSettings",
    "Checkpoint",
    "Exported",
    "FactorModule",
    "FitJob",
    "FitSettings",
    "Fold",
    "FoldSettings",
    "HighFrequencyInputs",
    "JointInputs",
    "LowFrequencyInputs",
    "NetworkSettings",
    "Samples",
    "TrainingFailed",
    "WindowInputs",
    "export_onnx",
    "export_program",
    "predict",
    "run",
    "run_baselines",
    "served_scores",
    "train",
]

_HOMES = {
    "baselines": ("BaselineSettings", "run_baselines"),
    "batches": ("HighFrequencyInputs", "LowFrequencyInputs", "WindowInputs"),
    "checkpoints": ("Checkpoint",),
    "export": ("Exported", "export_onnx", "export_program", "served_scores"),
    "fit": ("FitJob",),
    "folds": ("Fold",),
    "joint_inputs": ("JointInputs",),
    "module": ("FactorModule",),
    "scoring": ("predict",),
    "samples": ("Samples",),
    "settings": ("FitSettings", "FoldSettings", "NetworkSettings"),
    "trainer": ("train",),
    "walk_forward": ("TrainingFailed", "run"),
}


def __getattr__(name: str) -> Any:
    """Load a public name from its file."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
