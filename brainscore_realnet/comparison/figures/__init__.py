"""Figures of a comparison, each from the same tables that are written beside it.

Every module of `FIGURES` has a function ``draw``, whose parameters and return are those of `draw_all`.
"""

from brainscore_realnet.comparison.comparison import Comparison
from brainscore_realnet.comparison.figures import (
    betas,
    controls,
    early_late,
    generalisation,
    heat_maps,
    image_types,
    improvements,
    modalities,
    rdm_gallery,
    rois,
    time_courses,
    variability,
)
from brainscore_realnet.comparison.figures.style import Drawing, Tables

FIGURES = (
    time_courses,
    improvements,
    heat_maps,
    early_late,
    rois,
    image_types,
    modalities,
    generalisation,
    variability,
    betas,
    controls,
    rdm_gallery,
)
"""In the order in which they are shown"""


def draw_all(comparison: Comparison, tables: Tables) -> list[Drawing]:
    """Draw every figure that applies.

    Parameters
    ----------
    comparison : Comparison
    tables : mapping of str to DataFrame
        Of `comparison.tables.tables`, as `tables.schema.TABLES` describes them.

    Returns
    -------
    list of Drawing
        Their names differ. None of what cannot be shown of this comparison.
    """
    return [drawing for figure in FIGURES for drawing in figure.draw(comparison, tables)]
