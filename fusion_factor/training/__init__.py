"""Floor 3: folds, batches, the one training loop, and walk-forward fits of any network in parallel.

`run` fits and scores networks over all folds and seeds; `predict` scores sessions with fitted weights, for a live
day as for a fold; `train` fits one network on one fold in this process.
"""

from fusion_factor.training.baselines import BaselineSettings, run_baselines
from fusion_factor.training.batches import HighFrequencyInputs, LowFrequencyInputs, WindowInputs
from fusion_factor.training.checkpoints import Checkpoint
from fusion_factor.training.fit import FitJob, fit
from fusion_factor.training.folds import Fold, walk_forward
from fusion_factor.training.module import FactorModule
from fusion_factor.training.predict import predict
from fusion_factor.training.samples import Samples
from fusion_factor.training.settings import FitSettings, FoldSettings, NetworkSettings
from fusion_factor.training.trainer import train
from fusion_factor.training.walk_forward import TrainingFailed, run

__all__ = [
    "BaselineSettings",
    "Checkpoint",
    "FactorModule",
    "FitJob",
    "FitSettings",
    "Fold",
    "FoldSettings",
    "HighFrequencyInputs",
    "LowFrequencyInputs",
    "NetworkSettings",
    "Samples",
    "TrainingFailed",
    "WindowInputs",
    "fit",
    "predict",
    "run",
    "run_baselines",
    "train",
    "walk_forward",
]
