"""Where the configuration lies: beside the package in a checkout, inside it when installed."""

from pathlib import Path

import fusion_factor


def conf_folder() -> Path:
    """The folder `conf`, the one source of configuration."""
    package = Path(fusion_factor.__file__).parent
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"
