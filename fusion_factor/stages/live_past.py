"""The networks' outputs of past sessions, for weights that are learned from them: the run's own, then the live ones."""

import numpy as np
import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.stages.live_inputs import LiveInputs


def past_predictions(
    inputs: LiveInputs, today: dict[str, pd.DataFrame], sessions: np.ndarray, reach: int
) -> dict[str, pd.DataFrame]:
    """Predictions of `sessions`, the last of which is `today`'s, by network; fold and seed as they were made.

    Up to its last session they are those of the train artifact, after it those of the live table. Raises DataError for
    a session between them that was not scored and whose label is known by now, for it would be learned from.
    """
    first, day = sessions[0], sessions[-1]
    found = {}
    for name, frame in today.items():
        path = inputs.workspace.folder("train") / "predictions" / f"{name}.parquet"
        trained = pd.read_parquet(path, filters=[("date", ">=", pd.Timestamp(first)), ("date", "<", pd.Timestamp(day))])
        seen = pd.read_parquet(path, columns=["date"])["date"].to_numpy().astype("datetime64[D]")
        until = seen.max()
        live = inputs.table.predictions(name, until + np.timedelta64(1, "D"), day - np.timedelta64(1, "D"))
        done = {each["date"].iloc[0] for each in live}
        for session in sessions[: max(len(sessions) - reach, 0)]:
            if session > until and pd.Timestamp(session) not in done:
                raise DataError(
                    f"learned weights of {day}: there are no predictions of {session}; run "
                    f"`fusion-factor score date={session}` first, or `fusion-factor run`"
                )
        parts = [trained, *live, frame]
        found[name] = pd.concat([part.assign(date=part["date"].astype("datetime64[s]")) for part in parts])
    return found
