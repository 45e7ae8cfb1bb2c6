"""`ingest`: a delivery of vendor files into a store; may be run twice, or again after a crash."""

from pathlib import Path

from fusion_factor.core.errors import ConfigError
from fusion_factor.market.ingest import IngestSettings, ingest
from fusion_factor.market.store import open_market
from fusion_factor.stages.settings import Settings, typed


def ingest_settings(settings: Settings) -> IngestSettings:
    """The typed node `ingest`."""
    return typed(IngestSettings, settings.raw["ingest"])


def ingest_command(settings: Settings) -> None:
    """Take the market of `data` into the store `ingest.into`, and print what that did.

    Raises ConfigError without a folder, for a simulated market, or for a store that is delivered into itself.
    """
    options = ingest_settings(settings)
    if not options.into:
        raise ConfigError("ingest: into=FOLDER is missing, the store that takes the delivery")
    if settings.data["kind"] == "simulated":
        raise ConfigError("ingest: data=simulated is no delivery; name the map of your files with data=MAP")
    folder = Path(options.into).expanduser()
    if settings.data["kind"] == "store" and Path(settings.data["folder"]).expanduser().resolve() == folder.resolve():
        raise ConfigError(f"ingest: {folder} cannot be delivered into itself")
    done = ingest(open_market(settings.data), folder, options)
    for note in done.notes:
        print(f"  {note}")
    what = f"{len(done.parts)} parts changed" if done.changed else "unchanged"
    print(f"store {folder}: version {done.version}, {what}, {done.sessions} sessions, {done.fingerprint}", flush=True)
