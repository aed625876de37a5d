"""The methods section of a page: everything in it is read off the provenance of the scores and the tables.

Values that differ between scores are listed with what they are of, never averaged.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from brainscore_realnet.adapters.neural_rdms import DECODERS
from brainscore_realnet.comparison.comparison import Comparison, Measured
from brainscore_realnet.comparison.families import Family
from brainscore_realnet.comparison.figures.style import Tables
from brainscore_realnet.comparison.page.references import cited
from brainscore_realnet.comparison.page.rows import MINUS
from brainscore_realnet.comparison.page.sections import Facts, Section
from brainscore_realnet.comparison.page.several import by_model, listed, names_in, parts_of, plural, spread, taken
from brainscore_realnet.comparison.page.statistics import statistics
from brainscore_realnet.comparison.settings import Settings
from brainscore_realnet.rsa.statistics import FEWEST_SUBJECTS

OPTIONS = {
    "rdm": "Dissimilarity of the recordings",
    "pseudotrial_size": "Trials averaged into a pseudotrial",
    "folds": "Folds of the cross-validation",
    "repeats": "Repeats of the shuffling",
    "seed": "Seed of shuffles and halvings",
    "smooth": "Time points smoothed over",
    "weighting": "Weighting of the decoding",
    "screen": "Presentation to the models",
    "window": "Window of the score, s",
    "course": "Range of the time courses, s",
    "recordings": "Version of the recordings",
    "area": "Choice of the models' area for a region",
}
"""Options of a benchmark in words; one that is not among them is shown under its own name."""

DECODING = ("pseudotrial_size", "folds", "repeats", "weighting")
"""Options that mean nothing where the recordings are not decoded."""

SCREENS = {
    "degrees": "degrees (on a grey screen, at the visual angle of the experiment)",
    "fullfield": "fullfield (the image fills the model's field of view)",
}

_CARD = ("recipe", "departures", "data_sha256", "images_sha256", "epoch", "selected_by", "steps", "threads", "seconds")
"""What is shown of a model card; its curves are too long."""


def methods(comparison: Comparison, tables: Tables, settings: Settings) -> list[Section]:
    """Write the methods of a comparison.

    Parameters
    ----------
    comparison : Comparison
    tables : mapping of str to DataFrame
        As `schema.TABLES`.
    settings : Settings
        What the statistics were computed with.

    Returns
    -------
    list of Section
        Benchmarks, models, noise ceiling, statistics, software and time, references; what is simulated comes first.
    """
    return [
        *_simulation(comparison),
        *(_benchmark(comparison, one) for one in comparison.benchmarks),
        *(_models(comparison, family) for family in comparison.families),
        _ceiling(comparison),
        statistics(comparison, tables, settings),
        _software(comparison),
        Section("References", cited(comparison, tables)),
    ]


def _simulation(comparison: Comparison) -> list[Section]:
    if not comparison.simulated:
        return []
    virtual = [one.identifier for one in comparison.benchmarks if one.simulated]
    models = {
        model: None
        for (model, _), scored in comparison.scored.items()
        if scored.record["provenance"]["simulated"] and not scored.record["provenance"]["benchmark"].get("simulated")
    }
    said = []
    if virtual:
        said.append(f"The recordings of {', '.join(virtual)} are those of virtual subjects.")
    if models:
        said.append(f"Scores on real recordings that come from simulated models: {', '.join(models)}.")
    return [Section("Simulation", (*said, "Nothing that is simulated says anything about brains."))]


def _benchmark(comparison: Comparison, benchmark: Measured) -> Section:
    every = {
        model: scored.record["provenance"]["benchmark"]
        for (model, name), scored in comparison.scored.items()
        if name == benchmark.identifier
    }
    virtual = "virtual " if benchmark.simulated else ""
    count = f"{len(benchmark.subjects)} {virtual}{plural(len(benchmark.subjects), 'subject')}"
    return Section(
        f"Benchmark {benchmark.identifier}",
        (
            f"{listed(taken(every, 'formula'))}.",
            f"Recordings of {count} ({', '.join(benchmark.subjects)}) who saw {benchmark.n_images} images. "
            f"{_extent(benchmark)} Areas of the models: {', '.join(benchmark.areas)}. A model's RDM is 1 − Pearson "
            "between the features of two images; the entries of a recording's RDM are told by the formula. RDMs are "
            "compared by Spearman correlation of their upper triangles.",
        ),
        (
            ("Data set", listed(taken(every, "dataset"))),
            ("Version of the benchmark", listed(taken(every, "version"))),
            ("Part of", listed(taken(every, "parent"))),
            ("Stimulus set (its hash after --)", listed(taken(every, "stimulus_set"))),
            ("Images", listed(taken(every, "n_stimuli"))),
            ("Visual angle in the experiment, degrees", listed(taken(every, "visual_degrees"))),
            *_options(every),
            *_hashes(every),
        ),
    )


def _extent(benchmark: Measured) -> str:
    if benchmark.kind == "fmri":
        return f"Regions of interest, over which the score is a mean: {', '.join(map(str, benchmark.conditions))}."
    times, inside = 1000 * benchmark.times, 1000 * benchmark.times[benchmark.in_score]
    return (
        f"The score is a mean over {len(inside)} time points from {inside[0]:.0f} to {inside[-1]:.0f} ms after onset; "
        f"time courses have {len(times)} from {times[0]:.0f} to {times[-1]:.0f} ms."
    ).replace("-", MINUS)


def _options(every: Mapping[str, dict[str, Any]]) -> Facts:
    options = parts_of(every, "options")
    decoded = any(of.get("rdm") in DECODERS for of in options.values())
    shown = {
        model: {**of, "screen": SCREENS.get(str(of.get("screen")), of.get("screen"))} for model, of in options.items()
    }
    names = [name for name in names_in(options) if decoded or name not in DECODING]
    return tuple((OPTIONS.get(name, name), listed(taken(shown, name))) for name in names)


def _hashes(every: Mapping[str, dict[str, Any]]) -> Facts:
    recordings = parts_of(every, "recordings")
    return tuple((f"Recording of {name}, sha256", listed(taken(recordings, name))) for name in names_in(recordings))


def _models(comparison: Comparison, family: Family) -> Section:
    every = {
        cell: scored.record["provenance"]["model"]
        for cell, scored in comparison.scored.items()
        if cell[0] in family.models
    }
    origins = {cell: dict(_flat(_origin(about))) for cell, about in every.items()}
    if family.personal:
        number = len(family.models)
        what = f"{number} personal {plural(number, 'model')}, each trained on one subject: {', '.join(family.models)}."
    else:
        what = f"One model of no subject: {family.models[0]}."
    hashes = {cell: about.get("weights_sha256") for cell, about in every.items()}
    return Section(
        f"{'Baseline' if family.role == 'baseline' else 'Model'} {family.name}",
        (what,),
        (
            ("Layers", listed(by_model(taken(every, "layers")))),
            ("Visual field, degrees", listed(by_model(taken(every, "visual_degrees")))),
            ("Device", listed(by_model(taken(every, "device")))),
            *((f"Origin: {name}", listed(by_model(taken(origins, name)))) for name in names_in(origins)),
            *(
                (
                    f"Weights of {model}, sha256",
                    listed({name: found for (one, name), found in hashes.items() if one == model}),
                )
                for model in family.models
            ),
        ),
    )


def _origin(about: dict[str, Any]) -> dict[str, Any]:
    """Say where weights come from; of a model card, what the numbers depend on."""
    origin = about.get("origin")
    if not isinstance(origin, dict):
        return {"weights": origin}
    card = origin.get("card") or {}
    rest = {name: value for name, value in origin.items() if name != "card" and value is not None}
    return {**rest, **{name: card[name] for name in _CARD if name in card}}


def _flat(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give the innermost values with the names that lead to them."""
    for name, value in nested.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name} · ")
        else:
            yield f"{prefix}{name}", value


def _ceiling(comparison: Comparison) -> Section:
    bounds = {one.identifier: one.score_ceiling for one in comparison.benchmarks}
    several = (
        "Each subject's RDM is ranked and z-scored; the upper bound is the mean correlation of every subject with the "
        "average of all, the lower bound that with the average of the others (Nili et al. 2014, pooled in rank space). "
        "Averages are not ranked again, so that no model can lie above the upper bound on average. A score is raw "
        "similarity / upper bound, a ratio of means, and is never clamped."
    )
    single = "With one subject, the bound is √ of the Spearman-Brown corrected reliability of halves of the trials."
    few = [one.identifier for one in comparison.benchmarks if 1 < len(one.subjects) < FEWEST_SUBJECTS]
    said = [several] if any(len(one.subjects) > 1 for one in comparison.benchmarks) else []
    said += [single] if any(len(one.subjects) == 1 for one in comparison.benchmarks) else []
    if few:
        said.append(f"With so few subjects the upper bound of {', '.join(few)} is too high: look at both bounds.")
    return Section(
        "Noise ceiling",
        tuple(said),
        tuple(
            (name, f"{upper:.4f}" if np.isnan(lower) else f"{lower:.4f} – {upper:.4f}")
            for name, (lower, upper) in bounds.items()
        ),
    )


def _software(comparison: Comparison) -> Section:
    every = {
        f"{model} on {benchmark}": scored.record["provenance"]
        for (model, benchmark), scored in comparison.scored.items()
    }
    versions, machines, seconds = (parts_of(every, part) for part in ("versions", "machine", "seconds"))
    spent = {part: [of[part] for of in seconds.values() if part in of] for part in names_in(seconds)}
    finished = sorted(about["finished"] for about in every.values())
    return Section(
        "Software, hardware and time",
        (f"{len(every)} scores, finished between {finished[0]} and {finished[-1]}.",),
        (
            *((package, listed(taken(versions, package))) for package in names_in(versions)),
            *((f"Machine: {fact}", listed(taken(machines, fact))) for fact in names_in(machines)),
            *(
                (f"Seconds a score: {part}", f"{spread(durations)}, {sum(durations):.1f} in total")
                for part, durations in spent.items()
            ),
        ),
    )
