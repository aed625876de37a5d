"""The part of a page's methods that tells tests, corrections and intervals."""

from brainscore_realnet.comparison.comparison import Comparison
from brainscore_realnet.comparison.figures.style import Tables
from brainscore_realnet.comparison.page.sections import Section
from brainscore_realnet.comparison.page.several import spread
from brainscore_realnet.comparison.settings import ALPHA, Settings
from brainscore_realnet.rsa.statistics import FEWEST_SUBJECTS


def statistics(comparison: Comparison, tables: Tables, settings: Settings) -> Section:
    """Write which tests were run on what, their corrections, and how intervals were made."""
    tests, clusters = tables["tests"], tables["clusters"]
    few = _untested(comparison, tables)
    said = [
        "Personal models that meet the people they were trained on are compared subject by subject, model k with "
        "subject k. Where models meet other people, similarities are averaged over the models first; the unit is the "
        "subject that was measured. Improvement = family − baseline; ratio = improvement / baseline; the peak is the "
        "maximum of the baseline's mean course in an area."
    ]
    if few:
        said.append(
            f"No test is run with fewer than {FEWEST_SUBJECTS} subjects; subjects are shown one by one instead "
            f"({', '.join(few)})."
        )
    corrections = tests.groupby(["test", "scope", "correction"], sort=False).size() if len(tests) else {}
    thresholds = spread(clusters["threshold"]) if len(clusters) else "–"
    sign_flips = dict.fromkeys(
        f"{row.n_permutations:.0f} {'(all that there are)' if row.exact else f'(drawn, seed {row.seed:.0f})'}"
        for row in clusters.itertuples()
    )
    intervals = dict.fromkeys(
        text for name in ("families", "improvements") for text in tables[name]["interval"] if isinstance(text, str)
    )
    return Section(
        "Statistics",
        tuple(said),
        (
            ("Level of significance", f"{ALPHA:g}, two-sided"),
            ("Sign flips asked for", f"{settings.permutations:,}"),
            ("Bootstrap draws of subjects", f"{settings.draws:,}"),
            ("Seed", f"{settings.seed}"),
            *(
                (f"{test}, {scope}", f"{correction} ({count} tests)")
                for (test, scope, correction), count in corrections.items()
            ),
            *((("Cluster permutation over time: sign flips", "; ".join(sign_flips)),) if sign_flips else ()),
            *((("Cluster permutation over time: joined from |t|", thresholds),) if sign_flips else ()),
            *(("95 % interval", text) for text in intervals),
        ),
    )


def _untested(comparison: Comparison, tables: Tables) -> list[str]:
    """Name what is compared on too few subjects for a test: benchmarks, or a family whose own subjects are few."""
    few = {one.identifier for one in comparison.benchmarks if len(one.subjects) < FEWEST_SUBJECTS}
    improved = tables["improvements"]
    small = improved[(improved["n"] < FEWEST_SUBJECTS) & ~improved["benchmark"].isin(few)]
    pairs = dict.fromkeys(zip(small["family"], small["benchmark"], strict=True))
    return [*sorted(few), *(f"{family} on {benchmark}" for family, benchmark in pairs)]
