"""Bottleneck adapters in a BERT, and how a folder says that its weights hold some. Source: METHOD item 144.

Legend: b text, s token, d dimension.
"""

import json
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from fusion_factor.core.errors import DataError

FILE = "adapters.json"
"""In a model folder: {"bottleneck": units}; the adapters' weights lie among the others."""
_MARK = ".dropout.1."
_DEEPEST = 4096


class Adapter(nn.Module):
    """x + up(gelu(down(x))). The last layer begins at zero, so that a model with new adapters is the model without."""

    def __init__(self, dimensions: int, bottleneck: int) -> None:
        super().__init__()
        self.down = nn.Linear(dimensions, bottleneck)
        self.up = nn.Linear(bottleneck, dimensions)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x_bsd: Tensor) -> Tensor:
        """[B, S, D] -> [B, S, D]."""
        return x_bsd + self.up(nn.functional.gelu(self.down(x_bsd)))


def insert_adapters(model: nn.Module, bottleneck: int) -> int:
    """Put an adapter before both LayerNorms of each layer, after the dropout of its block; how many were put in.

    Raises DataError for a model that is not built of BERT's layers.
    """
    layers = getattr(getattr(model, "encoder", None), "layer", None)
    if layers is None or not all(hasattr(layer, "attention") and hasattr(layer, "output") for layer in layers):
        raise DataError(f"{type(model).__name__} is not built of BERT's layers, adapters have no place in it")
    dimensions = int(model.config.hidden_size)  # type: ignore[union-attr, arg-type]
    count = 0
    for layer in layers:
        for block in (layer.attention.output, layer.output):  # type: ignore[union-attr]
            # The block computes LayerNorm(dropout(dense(x)) + residual): what follows the dropout precedes the norm.
            block.dropout = nn.Sequential(block.dropout, Adapter(dimensions, bottleneck))
            count += 1
    return count


def mark_folder(folder: Path, bottleneck: int) -> None:
    """Say that the folder's weights hold adapters."""
    (folder / FILE).write_text(json.dumps({"bottleneck": bottleneck}) + "\n")


def restore_adapters(model: nn.Module, folder: Path) -> None:
    """Insert and fill the adapters of a folder, if it says that there are some. DataError when they are damaged."""
    if not (folder / FILE).exists():
        return
    from safetensors.torch import load_file

    try:
        bottleneck = json.loads((folder / FILE).read_text(encoding="utf-8"))["bottleneck"]
        if not isinstance(bottleneck, int) or not 1 <= bottleneck <= _DEEPEST:
            raise ValueError(f"bottleneck is {bottleneck!r}")
        insert_adapters(model, bottleneck)
        held: dict[str, Any] = {
            name: each for name, each in load_file(folder / "model.safetensors").items() if _MARK in name
        }
        expected = {name for name in model.state_dict() if _MARK in name}
        if set(held) != expected:
            raise ValueError(f"{len(held)} adapter weights, expected {len(expected)}")
        model.load_state_dict(held, strict=False)
    except Exception as error:
        # Damaged files show themselves as any of a dozen types.
        raise DataError(f"{folder}: its adapters cannot be read ({str(error).splitlines()[0]})") from error
