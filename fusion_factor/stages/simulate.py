"""`simulate`: the simulated market, written in the documented folder form."""

from pathlib import Path

from fusion_factor.core.errors import ConfigError
from fusion_factor.core.progress import Progress
from fusion_factor.market.simulated import SimulationConfig, sessions_of, simulate
from fusion_factor.stages.settings import Settings, typed
from fusion_factor.stages.stage import Outcome, Stage, Workspace


def work(settings: Settings, workspace: Workspace, folder: Path) -> Outcome:
    """Write the market of `data` into `folder`."""
    config = simulation(settings)
    with Progress("simulate", len(sessions_of(config))) as bar:
        simulate(config, folder, progress=lambda done, total, rate: bar.step())
    return Outcome(rows={"bar_sessions": len(list(folder.glob("bars/*.parquet")))})


def simulation(settings: Settings) -> SimulationConfig:
    """The typed parameters of the simulated market. Raises ConfigError for another kind of data."""
    if settings.data["kind"] != "simulated":
        raise ConfigError(f"simulate: data.kind is {settings.data['kind']!r}; only data=simulated is simulated")
    return typed(SimulationConfig, {name: value for name, value in settings.data.items() if name != "kind"})


STAGE = Stage(
    name="simulate",
    purpose="writing the simulated market",
    artifact="market",
    needs=(),
    config=("data",),
    rooms=("core", "market"),
    check=simulation,
    work=work,
    content=("**/*.parquet", "*.json"),
)
