"""Early and late: courses of the first area and of the layer before the classifier, side by side."""

from brainscore_realnet.comparison.comparison import Comparison, Measured
from brainscore_realnet.comparison.figures.captions import source
from brainscore_realnet.comparison.figures.courses import Panel, courses_figure
from brainscore_realnet.comparison.figures.rows import is_simulated, matched_families
from brainscore_realnet.comparison.figures.style import Drawing, Tables, file_stem, styled
from brainscore_realnet.comparison.figures.time_courses import READOUT, courses_caption


@styled
def draw(comparison: Comparison, tables: Tables) -> list[Drawing]:
    """Draw the first area of each EEG benchmark and the layer before the classifier, where both were scored."""
    by_name = {one.identifier: one for one in comparison.of_kind("eeg")}
    return [
        _drawing(comparison, tables, by_name[name.replace(READOUT, "-rsa")], late)
        for name, late in by_name.items()
        if READOUT in name and name.replace(READOUT, "-rsa") in by_name
    ]


def _drawing(comparison: Comparison, tables: Tables, early: Measured, late: Measured) -> Drawing:
    matched = {one.identifier: matched_families(comparison, one) for one in (early, late)}
    first, last = early.areas[0], late.areas[0]
    panels = [
        Panel.of(early, matched[early.identifier], first, f"early: {first}"),
        Panel.of(late, matched[late.identifier], last, f"late: {last}"),
    ]
    return Drawing(
        name=file_stem("early-late", early.identifier),
        title=f"Early and late layers over time, {early.identifier}",
        caption=courses_caption(comparison, tables, panels, matched[early.identifier]),
        figure=courses_figure(comparison, tables, panels, f"{early.identifier}: {first} and {last}"),
        source=source("early and late", comparison.models, comparison.baselines),
        simulated=is_simulated(comparison, early, late),
    )
