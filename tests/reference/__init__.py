"""A slow, obvious second implementation of the semantics.

It knows rotation, stock portfolio, metrics, price limits and industry factors. It was written from the specification
alone, sentence by sentence, with dicts, loops and Decimal, without any import from the package under test, so that a
mistake made twice is unlikely. Numbers like "5.3" in its comments are the sections and paragraphs of the
specification. Tables come in as lists of rows of text, dates stay ISO text, a missing number is None.
"""

from .kinds import run
from .refusal import BadInput, problems

__all__ = ["BadInput", "problems", "run"]
