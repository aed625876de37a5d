"""Compare models with baselines on benchmarks: from identifiers to results, figures and a page."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainscore_realnet.comparison.comparison import Comparison
from brainscore_realnet.comparison.families import families, require_matching
from brainscore_realnet.comparison.scores import score_all
from brainscore_realnet.comparison.selection import benchmarks_of_this_package, expand
from brainscore_realnet.comparison.settings import Settings
from brainscore_realnet.store.atomic import lock
from brainscore_realnet.store.folders import make_folder

if TYPE_CHECKING:
    from pandas import DataFrame

PAGE = "index.html"
FIGURES = "figures"
"""Folder of the figures beside the page"""


@dataclass(frozen=True, eq=False)
class Compared:
    """What came out of a comparison."""

    comparison: Comparison
    tables: "Mapping[str, DataFrame]"
    """As `schema.TABLES` describes them"""
    summaries: tuple[str, ...]
    """A sentence for each family of models"""
    page: Path
    """``index.html`` beside the results"""
    seconds: dict[str, float]
    """What took how long"""


def compare(
    models: Sequence[str],
    benchmarks: Sequence[Any],
    out: str | Path,
    *,
    baselines: Sequence[str] = (),
    settings: Settings | None = None,
    device: str | None = None,
    scheduler: str | None = None,
    rescore: bool = False,
    replaced: bool = False,
    confirm: Callable[[Any], None] | None = None,
    progress: bool = True,
) -> Compared:
    """Score what is not scored yet, compare, and write results, figures and a page.

    Parameters
    ----------
    models : sequence of str
        Identifiers, with ranges and wildcards as `selection.expand` takes them.
    benchmarks : sequence of str or Benchmark
        Identifiers, likewise, or loaded benchmarks with options.
    out : path
        Folder for ``results.json``, ``results.csv``, ``statistics.csv``, ``figures/`` and ``index.html``.
    baselines : sequence of str
        What the models are compared with; personal ones need a model of every subject.
    settings : Settings, optional
        Of the statistics.
    device, scheduler : str, optional
        Where models are scored, see `scoring.score_all`.
    rescore : bool
        Score again what was scored before, also with another version of a benchmark.
    replaced : bool
        Whether the folder's results are replaced if they are of another comparison or cannot be read.
    confirm : callable, optional
        Called with every benchmark before anything is scored, once it is clear that the comparison can be made.
    progress : bool
        Show bars.

    Returns
    -------
    Compared

    Raises
    ------
    UnknownIdentifierError
        An identifier, a range or a wildcard names nothing.
    BadInputError
        A baseline lacks a subject, a model is a baseline too, or the folder holds another comparison or results of
        another version of a benchmark.
    BadFileError
        The folder's results cannot be read.
    MissingDataError
        The data of a benchmark are not in the store.
    RealnetError
        A model could not be scored; the message names each with its reason. The others' scores are kept.
    StoreError
        Store or folder cannot be written.
    """
    from brainscore_realnet.comparison.results import check_folder, plan_of
    from brainscore_realnet.scoring import load_benchmark

    out, settings = Path(out), settings or Settings()
    chosen, against = expand(models, "model"), expand(baselines, "model")
    groups = families(chosen, "model"), families(against, "baseline")
    require_matching(*groups)
    names = benchmarks_of_this_package([one for one in benchmarks if isinstance(one, str)])
    loaded = [*map(load_benchmark, names), *(one for one in benchmarks if not isinstance(one, str))]
    plan = plan_of(chosen, against, loaded, settings)
    with lock(f"comparison-{out.resolve()}"):
        check_folder(out, plan, rescore=rescore, replaced=replaced)
        if confirm is not None:
            for benchmark in loaded:
                confirm(benchmark)
        seconds: dict[str, float] = {}
        with timed(seconds, "scoring"):
            where = {"device": device, "scheduler": scheduler}
            scored = score_all([*chosen, *against], loaded, **where, rescore=rescore, progress=progress)
        return _written(Comparison(*groups, scored), out, plan, settings, seconds)


def _written(
    comparison: Comparison, out: Path, plan: Mapping[str, Any], settings: Settings, seconds: dict[str, float]
) -> Compared:
    """Compute the statistics, draw the figures, and write everything into the folder."""
    from brainscore_realnet.comparison.figures import draw_all
    from brainscore_realnet.comparison.figures.style import save
    from brainscore_realnet.comparison.page import write_page
    from brainscore_realnet.comparison.results import figures_of, write_results
    from brainscore_realnet.comparison.summaries import summaries
    from brainscore_realnet.comparison.tables import tables

    with timed(seconds, "statistics"):
        found = tables(comparison, settings)
        sentences = tuple(summaries(comparison, found))
    with timed(seconds, "figures"):
        drawings = draw_all(comparison, found)
        before = figures_of(out)
        # First of all files: it says whose folder this is, and whose figures, when the same command goes on.
        write_results(out, comparison, found, settings, sentences, plan, before | {one.name for one in drawings})
        make_folder(out / FIGURES)
        files = {drawing.name: save(drawing, out / FIGURES) for drawing in drawings}
        for name in before - set(files):
            for ending in (".png", ".svg"):
                (out / FIGURES / f"{name}{ending}").unlink(missing_ok=True)
    with timed(seconds, "page"):
        write_page(out / PAGE, comparison, found, drawings, files, sentences, settings)
    return Compared(comparison, found, sentences, out / PAGE, seconds)


@contextmanager
def timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    """Add the seconds that pass to those of a part."""
    started = time.perf_counter()
    yield
    seconds[part] = round(seconds.get(part, 0.0) + time.perf_counter() - started, 1)
