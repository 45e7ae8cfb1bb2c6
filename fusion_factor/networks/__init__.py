"""Floor 1: networks and losses. Tensors in, tensors out; no dates, no files, no config objects.

Every network takes a tuple of windows x_btf (b stocks, t steps in time order, f fields) and gives y_bk (k tasks),
and names its tasks in `tasks`. Anything else that does so can be trained: name its class in `conf/network/`.
"""

from fusion_factor.networks.encoders import ENCODERS, make_encoder
from fusion_factor.networks.high_frequency import HighFrequencyNet
from fusion_factor.networks.joint import JointNet
from fusion_factor.networks.losses import CorrelationLoss, correlation
from fusion_factor.networks.low_frequency import LowFrequencyNet

__all__ = [
    "ENCODERS",
    "CorrelationLoss",
    "HighFrequencyNet",
    "JointNet",
    "LowFrequencyNet",
    "correlation",
    "make_encoder",
]
