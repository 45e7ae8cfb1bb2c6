"""Which reports are events: tolerances, the words that stand in for missing numbers, and the order of ratings."""

import re
from dataclasses import dataclass, field

import numpy as np

from fusion_factor.core.errors import ConfigError

UP_WORDS = (
    "上调", "调升", "调高", "上修", "提高盈利预测", "提升盈利预测", "提高评级", "提升评级", "调增",
)  # fmt: skip
DOWN_WORDS = (
    "下调", "调降", "调低", "下修", "降低盈利预测", "降低评级", "调减",
)  # fmt: skip
FIRST_WORDS = ("首次覆盖", "首次给予", "首次评级", "首次推荐", "首次关注", "首次予以")
# ratings from sell (1) to buy (5); two words of one level say the same
RATING_LEVELS = {
    **dict.fromkeys(("买入", "强烈推荐", "强力买入", "强烈买入", "买进"), 5),
    **dict.fromkeys(("增持", "推荐", "谨慎推荐", "审慎推荐", "谨慎增持", "谨慎买入"), 4),
    **dict.fromkeys(("优于大市", "跑赢大市", "跑赢行业", "领先大市", "看好"), 4),
    **dict.fromkeys(("中性", "持有", "观望", "同步大市", "大市同步", "谨慎持有"), 3),
    **dict.fromkeys(("减持", "落后大市", "回避"), 2),
    "卖出": 1,
}  # fmt: skip
WORDS_USE = ("fallback", "always", "never")
PREVIOUS_OF = ("analyst", "broker")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)


def seconds_of(clock: str) -> int:
    """Seconds after midnight of a text HH:MM or HH:MM:SS; -1 where it is no time of day.

    >>> seconds_of("15:00"), seconds_of("9:30:05"), seconds_of("25:00")
    (54000, 34205, -1)
    """
    found = _CLOCK.fullmatch(clock.strip())
    if not found:
        return -1
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds if hours < 24 and minutes < 60 and seconds < 60 else -1


@dataclass(frozen=True, kw_only=True)
class EventSettings:
    """What makes a report an event (METHOD 4.2)."""

    tolerance: float = 0.005
    """A forecast has moved when it differs from the one before by more than this share of it."""
    previous_of: str = "analyst"
    """Whose previous report counts: the same broker and `analyst`, or any of the same `broker`."""
    previous_days: int = 400
    """A report older than so many calendar days is no previous one."""
    reissue_days: int = 10
    """The same title by the same broker on the same stock, with the same numbers, within so many calendar days after
    the last one, is the same report again."""
    close: str = "15:00"
    """A report from this time of day on counts from the next session."""
    ratings: bool = True
    """Whether a change of rating makes an event (the published main run leaves it out)."""
    words: str = "fallback"
    """Words of title and abstract that tell of a revision: `fallback`, where there is nothing to compare; `always`,
    also where the numbers did not move; `never`."""
    up_words: list[str] = field(default_factory=lambda: list(UP_WORDS))
    down_words: list[str] = field(default_factory=lambda: list(DOWN_WORDS))
    first_words: list[str] = field(default_factory=lambda: list(FIRST_WORDS))
    """Words in title or abstract of a first coverage; `attention` that holds 首 or says `initiate` is one too."""
    rating_levels: dict[str, int] = field(default_factory=lambda: dict(RATING_LEVELS))
    min_chinese: int = 4
    """Texts with fewer Chinese characters are skipped and counted."""
    max_characters: int = 5000
    """Longer texts are cut, and counted."""

    def __post_init__(self) -> None:
        if not (np.isfinite(self.tolerance) and self.tolerance >= 0):
            raise ConfigError(f"events.tolerance: {self.tolerance} is not a finite number >= 0")
        for name, least in (("previous_days", 1), ("reissue_days", 0), ("min_chinese", 0), ("max_characters", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"events.{name}: {getattr(self, name)} is not >= {least}")
        for name, choices in (("previous_of", PREVIOUS_OF), ("words", WORDS_USE)):
            if getattr(self, name) not in choices:
                raise ConfigError(f"events.{name}: {getattr(self, name)!r} is not one of {', '.join(choices)}")
        if seconds_of(self.close) < 0:
            raise ConfigError(f"events.close: {self.close!r} is not a time of day HH:MM")
        for name in ("up_words", "down_words", "first_words"):
            if any(not word for word in getattr(self, name)):
                raise ConfigError(f"events.{name}: an empty word is in every text")

    @property
    def close_seconds(self) -> int:
        """The close in seconds after midnight."""
        return seconds_of(self.close)
