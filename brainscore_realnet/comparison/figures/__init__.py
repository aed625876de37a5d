"""Figures of a comparison, each from the same tables that are written beside it."""

from brainscore_realnet.comparison.comparison import Comparison
from brainscore_realnet.comparison.figures import (
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
    variants,
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
    variants,
    rdm_gallery,
)
"""In the order in which they are shown"""


def draw_all(comparison: Comparison, tables: Tables) -> list[Drawing]:
    """Draw every figure that applies.

    Parameters
    ----------
    comparison : Comparison
    tables : mapping of str to DataFrame
        Of `comparison.tables.tables`.

    Returns
    -------
    list of Drawing
        Their names differ.
    """
    return [drawing for figure in FIGURES for drawing in figure.draw(comparison, tables)]
