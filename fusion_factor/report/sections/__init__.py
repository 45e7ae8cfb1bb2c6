"""The sections of the page, each a function from `ReportData` to one `Section`, in the order in which they are read."""

from fusion_factor.report.blocks import Section
from fusion_factor.report.data import ReportData
from fusion_factor.report.sections import closing, models, opening, picks, rotation, score_paths, scores

__all__ = ["all_sections"]


def all_sections(data: ReportData) -> list[Section]:
    """Every section of the page; one whose piece is missing says so."""
    return [
        opening.headline(data),
        opening.what_was_run(data),
        picks.picks(data),
        scores.compared(data),
        score_paths.over_dates(data),
        score_paths.layers(data),
        rotation.strategies(data),
        *rotation.each_strategy(data),
        models.seeds(data),
        models.factors(data),
        models.training(data),
        closing.beside_published(data),
        closing.caveats(data),
    ]
