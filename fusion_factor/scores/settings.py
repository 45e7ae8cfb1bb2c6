"""How parts become one score, as a frozen dataclass: limits are checked when it is made."""

from dataclasses import dataclass, field

import numpy as np

from fusion_factor.core.errors import ConfigError

METHODS = ("fixed", "equal", "ic", "icir", "stack")
LEARNED = ("ic", "icir", "stack")
MOST_PARTS = 8
"""Of a non-negative stack: it looks at every subset of the parts."""


@dataclass(frozen=True, kw_only=True)
class FusionConfig:
    """Which parts are fused and how they are weighted (METHOD items 60 to 62).

    A part is a network (the mean of its tasks), one task of a network, or a fitted plain method, by its name.
    """

    method: str = "fixed"
    """`fixed`: by `weights`. `equal`: the same for all. Learned anew for each session from labels that have ended:
    `ic`, `icir`: by the trailing RankIC or its mean over its standard deviation; `stack`: ridge regression."""
    parts: list[str] | None = None
    """Names of the parts, in the order of the sum; null: `hf` and `lf`, those there are, else every network."""
    weights: dict[str, float] = field(default_factory=lambda: {"hf": 1.0, "lf": 3.0})
    """Of `fixed`: the weight of each part by name; the published mix is 1 : 3. Those of other parts do not matter."""
    mix: str = "z"
    """`z`: parts are z-scored per session before they are mixed; `raw`: mixed as they are (not if learned)."""
    window_sessions: int = 240
    """Of what is learned: so many sessions, the last of which has its label end at the session of use."""
    shrink_labels: float = 12.0
    """Of what is learned: the pull to equal weights, worth so many labels that do not overlap (see `weights`)."""
    non_negative: bool = True
    """Of `stack`: no weight below 0. Those of `ic` and `icir` never are."""
    min_names: int = 20
    """Of what is learned: a session with fewer names that have a part and a label does not count for that part."""
    mad_k: float = 3.0
    """Clip of `score_neutral`, in robust standard deviations."""

    def __post_init__(self) -> None:
        """Refuse unknown words and values outside of their limits."""
        if self.method == "joint":
            raise ConfigError("method: joint training is a network of all frequencies (see conf), no fusion of scores")
        if self.method not in METHODS:
            raise ConfigError(f"method: {self.method!r} is not one of {', '.join(METHODS)}")
        if self.mix not in ("z", "raw"):
            raise ConfigError(f"mix: {self.mix!r} is not one of 'z', 'raw'")
        if self.mix == "raw" and self.method in LEARNED:
            raise ConfigError(f"mix: raw parts have no common scale, method {self.method} needs z")
        if self.parts is not None and (not self.parts or len(set(self.parts)) != len(self.parts)):
            raise ConfigError(f"parts: {list(self.parts)} must be different names, at least one, or null")
        for name, weight in self.weights.items():
            if not (np.isfinite(weight) and weight >= 0):
                raise ConfigError(f"weights.{name}: {weight} is not a finite number >= 0")
        self._check_numbers()
        if self.parts is not None:
            self.fixed_weights(self.parts)
            self.check_number_of(self.parts)

    def _check_numbers(self) -> None:
        if self.window_sessions < 2:
            raise ConfigError(f"window_sessions: {self.window_sessions} is not >= 2")
        if not (np.isfinite(self.shrink_labels) and self.shrink_labels >= 0):
            raise ConfigError(f"shrink_labels: {self.shrink_labels} is not a finite number >= 0")
        if self.method == "stack" and self.shrink_labels == 0:
            raise ConfigError("shrink_labels: 0 leaves the stack of alike parts undetermined, it must be > 0")
        if self.min_names < 3:
            raise ConfigError(f"min_names: {self.min_names} is not >= 3")
        if not self.mad_k > 0:
            raise ConfigError(f"mad_k: {self.mad_k} is not > 0")

    def fixed_weights(self, parts: list[str]) -> list[float]:
        """The configured weights of `parts`; ConfigError when one has none, or all are 0. One part needs none."""
        if self.method != "fixed" or len(parts) == 1:
            return [1.0] * len(parts)
        for name in parts:
            if name not in self.weights:
                raise ConfigError(f"weights: there is none of part {name} (there are {', '.join(self.weights)})")
        found = [float(self.weights[name]) for name in parts]
        if not any(found):
            raise ConfigError(f"weights: those of {', '.join(parts)} are all 0, one must be > 0")
        return found

    def check_number_of(self, parts: list[str]) -> None:
        """Refuse more parts than a non-negative stack takes."""
        if self.method == "stack" and self.non_negative and len(parts) > MOST_PARTS:
            raise ConfigError(f"parts: {len(parts)} are too many for a non-negative stack, at most {MOST_PARTS}")
