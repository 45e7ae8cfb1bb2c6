"""The errors a user can cause. Each names the thing, its value and the limit, in one line."""


class FusionFactorError(Exception):
    """Something about the input or the request is wrong; the command ends with exit status 2."""

    exit_status = 2


class DataError(FusionFactorError):
    """A table, file or value of the data breaks its rules."""


class ConfigError(FusionFactorError):
    """A parameter is unknown, of the wrong type or outside of its limits."""


class LimitCrossed(FusionFactorError):
    """Nothing failed, but a figure is outside of its limits: the command ends with exit status 3."""

    exit_status = 3
