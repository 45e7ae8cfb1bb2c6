"""Bad input: the exception of the reference, and the question "must this case be refused, and why"."""

from typing import Any


class BadInput(Exception):
    """The input must be refused; the message holds the table, key and value, or the parameter, of the reason."""


def problems(kind: str, params: dict[str, Any], tables: dict[str, list[dict[str, str]]]) -> str | None:
    """Return why section 0 (or a sentence elsewhere) refuses the input, or None when it is good."""
    from .kinds import run

    try:
        run(kind, params, tables)
    except BadInput as reason:
        return str(reason)
    return None
