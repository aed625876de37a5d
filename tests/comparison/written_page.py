"""A page of made-up scores, with its figures, for tests of what is in it and of how a browser shows it."""

import copy
import dataclasses

import numpy as np
from synthetic_comparison import comparison

from brainscore_realnet.comparison.comparison import Comparison
from brainscore_realnet.comparison.figures.style import Drawing, mark_simulated, new_figure, save
from brainscore_realnet.comparison.page import write_page
from brainscore_realnet.comparison.settings import Settings
from brainscore_realnet.comparison.tables import tables

SETTINGS = Settings(permutations=64, draws=20, seed=3)
SUMMARIES = ("Simulated: sim-realnet-eeg is more similar, p < .001; on average.", "Simulated: another.")


def drawings(number=3, simulated=True):
    """Draw small figures."""
    made = []
    for place in range(1, number + 1):
        figure = new_figure(5, 3)
        figure.subplots().plot(np.arange(place + 3), label="line")
        mark_simulated(figure, simulated)
        caption = f"Line {place}, n = 6 & more."
        made.append(Drawing(f"figure-{place}", f"Picture {place}", caption, figure, "R24 Fig. 2A", simulated))
    return made


def write(folder, compared, drawn=(), summaries=SUMMARIES, settings=SETTINGS, computed=None):
    """Write a page into a folder with a name that needs quoting, its figures beside it; give path and tables."""
    computed = tables(compared, settings) if computed is None else computed
    files = {drawing.name: save(drawing, folder / "figures of it") for drawing in drawn}
    write_page(folder / "index.html", compared, computed, drawn, files, summaries, settings)
    return folder / "index.html", computed


def real(compared, benchmarks=None):
    """Give the same comparison as if some of its scores (by default all) were of real recordings and models."""
    scored = {}
    for (model, benchmark), one in compared.scored.items():
        record = copy.deepcopy(one.record)
        if benchmarks is None or benchmark in benchmarks:
            record["provenance"]["simulated"] = False
            record["provenance"]["benchmark"]["simulated"] = False
        scored[model, benchmark] = dataclasses.replace(one, record=record)
    return Comparison(compared.models, compared.baselines, scored)


def changed(compared, cell, path, value):
    """Give the same comparison with one value of one score's provenance changed."""
    record = copy.deepcopy(compared.scored[cell].record)
    *parents, last = path
    within = record["provenance"]
    for name in parents:
        within = within[name]
    within[last] = value
    scored = {**compared.scored, cell: dataclasses.replace(compared.scored[cell], record=record)}
    return Comparison(compared.models, compared.baselines, scored)


__all__ = ["SETTINGS", "SUMMARIES", "changed", "comparison", "drawings", "real", "write"]
