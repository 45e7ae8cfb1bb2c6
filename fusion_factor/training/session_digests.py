"""What a fit knows of its features, as a hash that later sessions and later listings leave as it is.

One digest a session, over the symbols that have anything by then; a fold's is that of its sessions up to the last one
it learns on. So new data at the end, or a symbol listed later (which moves the others' positions), fits nothing anew,
and a corrected number anew wherever it is known.

Legend of axes: t session, n symbol, f factor or field.
"""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from fusion_factor.core.artifacts import hash_of
from fusion_factor.features.feature_set import MASKS, OPTIONAL_PANELS, REQUIRED_PANELS, FeatureSet

_THREADS = 4  # hashing runs outside of the interpreter's lock


def session_digests(features: FeatureSet) -> list[str]:
    """A digest of each session's rows of every panel, mask and the label, in order of time [T].

    The label of row t looks ahead by `reach`: a digest is known when its label is.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(lambda t: _digest(features, t), range(len(features.sessions))))


def known_to(features: FeatureSet, digests: Sequence[str], last: int) -> str:
    """The hash of everything up to session position `last`, and of what the columns are."""
    return hash_of([_layout(features), list(digests[: last + 1])])


def whole(features: FeatureSet, digests: Sequence[str]) -> str:
    """The hash of the whole set, its symbols and their positions included."""
    return hash_of([features.symbols.tolist(), known_to(features, digests, len(digests))])


def _layout(features: FeatureSet) -> list[object]:
    panels = {name: getattr(features, name) for name in (*REQUIRED_PANELS, *OPTIONAL_PANELS)}
    names = {name: None if panel is None else list(panel.names) for name, panel in panels.items()}
    return [names, features.reach, features.bars_mode]


def _digest(features: FeatureSet, t: int) -> str:
    digest = hashlib.sha256(str(features.sessions[t]).encode())
    there_n = _there(features, t)
    digest.update("\n".join(features.symbols[there_n].tolist()).encode())
    for name in (*REQUIRED_PANELS, *OPTIONAL_PANELS):
        panel = getattr(features, name)
        if panel is not None:
            digest.update(np.ascontiguousarray(panel.values[t][there_n]).tobytes())
            digest.update(panel.valid[t][there_n].tobytes())
    for name in (*MASKS, "label"):
        digest.update(getattr(features, name)[t][there_n].tobytes())
    return digest.hexdigest()


def _there(features: FeatureSet, t: int) -> npt.NDArray[np.bool_]:
    """Who has any number or mark at the session: bool [N]. A symbol before its listing has none."""
    there_n = np.isfinite(features.label[t])
    for name in MASKS:
        there_n = there_n | getattr(features, name)[t]
    for name in (*REQUIRED_PANELS, *OPTIONAL_PANELS):
        panel = getattr(features, name)
        if panel is not None:
            # the standardised factors are 0 where they are missing, all other panels NaN
            there_n = there_n | panel.valid[t] | (name != "hf") & np.isfinite(panel.values[t]).any(axis=1)
    return there_n
