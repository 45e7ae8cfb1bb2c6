"""The pages of the documentation that are programs: they run, and print what they say."""

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"


PAGES = [("notebook.md", 10), ("fusion.md", 8), ("industry.md", 12), ("text.md", 10)]


@pytest.mark.parametrize(("page", "examples"), PAGES)
def test_page_prints_what_it_says(page: str, examples: int) -> None:
    outcome = doctest.testfile(str(DOCS / page), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert outcome.attempted > examples
    assert outcome.failed == 0
