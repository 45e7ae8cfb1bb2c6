"""The sections of the page, each a function from `ReportData` to one `Section`, in the order in which they are read."""

from fusion_factor.report.blocks import Section
from fusion_factor.report.data import ReportData
from fusion_factor.report.sections import (
    closing,
    drift,
    headline,
    industry,
    models,
    picks,
    rotation,
    run,
    scores,
    strategy,
    tear_sheet,
    text_factor,
)

__all__ = ["all_sections"]


def all_sections(data: ReportData) -> list[Section]:
    """Every section of the page; one whose piece is missing says so."""
    return [
        headline.headline(data),
        picks.picks(data),
        tear_sheet.tear_sheet(data),
        scores.compared(data),
        rotation.strategies(data),
        *strategy.each_strategy(data),
        industry.industry(data),
        *text_factor.text_factor(data),
        *([drift.drift(data.drift)] if data.drift else []),
        models.seeds(data),
        models.factors(data),
        models.training(data),
        closing.beside_published(data),
        run.what_was_run(data),
        closing.caveats(data),
    ]
