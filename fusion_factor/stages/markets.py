"""The market of a command: the simulated artifact, or mapped files."""

from fusion_factor.market.store import Market
from fusion_factor.stages.settings import Settings
from fusion_factor.stages.stage import Workspace


def market_of(settings: Settings, workspace: Workspace) -> Market:
    """Open the market that `data` names."""
    if settings.data["kind"] == "simulated":
        from fusion_factor.market.store import StoredMarket

        return StoredMarket(workspace.folder("market"))
    from fusion_factor.market.files import FilesMarket

    return FilesMarket(settings.data)
