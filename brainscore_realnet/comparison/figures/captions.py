"""Words of captions and panels: which benchmark and models, what errors and marks mean, which paper's figure it is."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from brainscore_realnet.comparison.comparison import Matched, Measured
from brainscore_realnet.comparison.families import Family
from brainscore_realnet.comparison.figures.style import SIMULATED, window_edges
from brainscore_realnet.comparison.settings import ALPHA
from brainscore_realnet.comparison.tables.blocks import MEAN
from brainscore_realnet.rsa.statistics import FEWEST_SUBJECTS

if TYPE_CHECKING:
    from pandas import DataFrame

LEVELS = (ALPHA, 0.01, 0.001)
"""From which a test has one mark, two, three."""

CEILING = "lower bound: correlation with the mean of the other subjects, upper bound: with the mean of all"
BOTH = (
    "Intervals generalise over stimuli and subjects, tests over subjects alone, so that an interval can include 0 "
    "beside a mark."
)
RATIOS = "Bars: ratio of means; dots: each subject's own ratio; none where the baseline is not positive."

SOURCES = {
    "time courses": ("R24 Fig. 2A", "RF24 Fig. 4"),
    "early and late": ("R24 Fig. 1B", ""),
    "improvements": ("R24 Fig. 2B", "RF24 Fig. 4"),
    "rois": ("R24 Fig. 3A", "RF24 Fig. 1B–C"),
    "rois of image types": ("", "RF24 Fig. 2"),
    "image types": ("", "RF24 Fig. 2"),
    "modalities": ("R24 Fig. 3B", ""),
    "generalisation": ("", "RF24 Fig. 3"),
    "variability": ("R24 Fig. 4", ""),
    "betas": ("R24 Fig. 6", "RF24 S2"),
    "controls": ("R24 Fig. 7", ""),
}
"""What is shown, to the figures of the papers that show it of models of EEG and of models of fMRI."""


def source(shown: str, models: Iterable[Family], baselines: Sequence[Family]) -> str:
    """Name the papers' figures that show the same, one of `SOURCES`; none of a lone model without a baseline."""
    models = tuple(models)
    if not baselines and sum(len(family.models) for family in models) < 2:
        return ""
    signals = {"fmri" in family.name.split("-") for family in models}
    return "; ".join(filter(None, (SOURCES[shown][of_fmri] for of_fmri in sorted(signals))))


def caption(*sentences: str, simulated: bool = False) -> str:
    """Join the sentences of a caption that are not empty."""
    return " ".join(filter(None, (*sentences, f"{SIMULATED}." if simulated else "")))


def counted(n: int, word: str = "subject") -> str:
    """Write a number of things: ``1 subject``, ``2 subjects``."""
    return f"{n} {word}{'s' * (n != 1)}"


def level_text(level: float = ALPHA) -> str:
    """Write a level of significance: ``.05``."""
    return f"{level:g}".removeprefix("0")


def symbol_of(correction: str) -> str:
    """Give the letter of a p value: q if it is corrected for the number of tests."""
    return "p" if correction == "none" else "q"


def p_text(p: float, symbol: str = "p") -> str:
    """Write a p value as journals do: ``p = .031``, ``p < .001``."""
    return f"{symbol} < .001" if p < 0.001 else f"{symbol} = {p:.3f}".replace("0.", ".", 1)


def stars(p: float) -> str:
    """Give the marks of a p value, corrected or not; none from `ALPHA`."""
    return "*" * sum(p < level for level in LEVELS)


def window_words(benchmark: Measured) -> str:
    """Give first and last time of the score's window, such as ``50–200 ms``."""
    first, last = window_edges(benchmark)
    return f"{first:.0f}–{last:.0f} ms"


def over_subjects(n: int, words: str) -> str:
    """Give words on a mean or an error over subjects, or none where there is a single one."""
    return words if n > 1 else ""


def about_benchmark(benchmark: Measured) -> str:
    """Sentence: which benchmark, how many images and subjects."""
    subjects = counted(len(benchmark.subjects))
    return f"{benchmark.identifier}: {benchmark.n_images} images, {subjects} of {benchmark.dataset}."


def about_matched(matched: Mapping[str, Matched], start: str = "Compared") -> str:
    """Sentence: which models were compared with whom, families of the same kind together."""
    kinds: dict[str, list[str]] = {}
    for name, one in matched.items():
        models = "each subject's own model" if one.own else f"mean over {one.n_models} models"
        who = "one model" if one.n_models == 1 else models
        kinds.setdefault(f"{who}, n = {counted(len(one.subjects))}", []).append(name)
    return f"{start}: {'; '.join(f'{kind}: ' + ', '.join(names) for kind, names in kinds.items())}."


def about_stars(tests: "DataFrame", n: int, of: str = "") -> str:
    """Sentence: what stars mean, or why there are none."""
    marks = (f"{'*' * place} {{symbol}} < {level_text(level)}" for place, level in enumerate(LEVELS, 1))
    return about_tests(tests, n, of + ", ".join(marks))


def about_tests(tests: "DataFrame", n: int, marks: str) -> str:
    """Sentence: what marks mean, from rows of the table of tests, or why there are none.

    Parameters
    ----------
    tests : DataFrame
    n : int
        Subjects, of which there may be too few for a test.
    marks : str
        What is said of them; ``{symbol}`` stands for p, q, or both.
    """
    if tests.empty:
        few = f"No test is run and nothing is marked: n = {n}, too few for one; look at every subject."
        return few if n < FEWEST_SUBJECTS else "No test is defined, and nothing is marked."
    found: dict[str, list[str]] = {}
    rows = tests[["scope", "area", "test", "n", "unit", "correction"]].drop_duplicates()
    for row in rows.itertuples():
        of = rows[rows["correction"] == row.correction]
        corrected = "uncorrected (p)" if row.correction == "none" else f"{row.correction} (q)"
        how = f"{row.test}, two-sided, n = {row.n} {row.unit}s, {corrected}"
        found.setdefault(_tested(row.scope, of), []).append(how)
    words = {what: " and ".join(dict.fromkeys(how)) for what, how in found.items()}
    alone = len(set(words.values())) == 1
    sentences = dict.fromkeys(how if alone else f"{what}: {how}" for what, how in words.items())
    symbol = " or ".join(sorted(set(tests["correction"].map(symbol_of))))
    return f"{marks.format(symbol=symbol)}: {'; '.join(sentences)}."


def _tested(scope: str, rows: "DataFrame") -> str:
    """Say what rows with the same correction are tests of."""
    if scope == "roi":
        return "regions"
    areas = {area for area in rows["area"] if isinstance(area, str)}
    if areas == {MEAN}:
        return "mean over areas"
    return "mean over regions" if not areas else next(iter(areas)) if len(areas) == 1 else "areas"


def about_intervals(intervals: Iterable[Any]) -> str:
    """Sentence: how the 95 % intervals of a table were computed; empty where there are none."""
    found = dict.fromkeys(text for text in intervals if isinstance(text, str) and text)
    return f"Error bars: 95 % interval, {'; '.join(found)}." if found else ""


def about_both(intervals: Iterable[Any], tests: "DataFrame") -> str:
    """Sentence where intervals over stimuli and subjects stand beside marks of tests over subjects alone."""
    over_both = any(isinstance(text, str) and "stimuli and subjects" in text for text in intervals)
    return BOTH if over_both and (tests["q"].astype(float) < ALPHA).any() else ""


def about_ceiling(benchmark: Measured, band: str, line: str) -> str:
    """Sentence: what the noise ceiling is, as a band, or as a line where there is one subject."""
    if np.isfinite(benchmark.ceiling[0]).all():
        return f"{band} ({CEILING}; n = {counted(len(benchmark.subjects))})."
    return f"{line}: noise ceiling of the one subject (square root of the reliability)."
