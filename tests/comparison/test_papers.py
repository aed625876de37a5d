"""What is done again of the papers: models, studies and numbers, and that nothing is named that does not exist."""

import numpy as np
import pandas as pd
import pytest

from brainscore_realnet.comparison.families import families, require_matching
from brainscore_realnet.comparison.papers import PAPERS
from brainscore_realnet.comparison.reproduction import to_train
from brainscore_realnet.comparison.selection import expand
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.scoring.identifiers import package_identifiers


@pytest.mark.parametrize("name", PAPERS)
def test_recipes_are_the_papers_models_and_all_that_the_studies_compare(name):
    paper = PAPERS[name](False)
    trained = [recipe.identifier for recipe in paper.recipes]
    assert len(set(trained)) == len(trained) == {"realnet-2024": 62, "realnet-fmri-2024": 16}[name]
    assert set(trained) <= set(package_identifiers("model"))
    for study in paper.studies:
        models, baselines = expand(study.models, "model"), expand(study.baselines, "model")
        assert set(models) | set(baselines) <= set(trained) | set(paper.baselines)
        require_matching(families(models, "model"), families(baselines, "baseline"))
        assert expand(study.benchmarks, "benchmark") == study.benchmarks
    assert {one.study for one in paper.reported} <= {study.name for study in paper.studies}


@pytest.mark.parametrize("name", PAPERS)
def test_twin_on_virtual_subjects_has_the_same_studies_and_says_sim_everywhere(name, own_store):
    real, twin = PAPERS[name](False), PAPERS[name](True)
    assert twin.simulated
    assert [study.name for study in twin.studies] == [study.name for study in real.studies]
    assert [one.theirs for one in twin.reported] == [one.theirs for one in real.reported]
    assert all(recipe.identifier.startswith("sim-") for recipe in twin.recipes)
    for study in twin.studies:
        assert all(one.startswith("sim-") for one in (*study.models, *study.baselines))
        assert all(one.startswith("Sim") for one in study.benchmarks)


def test_numbers_are_taken_from_the_first_benchmark_and_baseline():
    columns = ["benchmark", "baseline", "scope", "area", "roi", "ratio"]
    rows = [
        ("EEG", "cornet-s", "peak", "V1", None, 0.02),
        ("EEG", "cornet-s", "peak", "IT", None, 0.06),
        ("EEG", "cornet-s", "peak", "mean", None, 9.0),
        ("EEG", "cornet-s", "window", "V1", None, 0.1),
        ("EEG", "cornet-s", "window", "IT", None, None),  # not defined: no mean over areas is either
        ("EEG", "other", "peak", "V1", None, 5.0),
        ("fMRI", "cornet-s", "roi", None, "V1", 5.0),
    ]
    table = pd.DataFrame(rows, columns=columns)
    correlations = pd.DataFrame({"test": ["Spearman correlation", "Pearson correlation"], "statistic": [0.1, 0.9]})
    tables = {"improvements": table, "improvements_of_subjects": table, "correlations": correlations}
    numbers = [one.ours(tables) for one in PAPERS["realnet-2024"](False).reported]
    np.testing.assert_allclose(numbers, [0.04, 0.06, np.nan, 0.1, 0.9])
    empty = {name: one.iloc[:0] for name, one in tables.items()}
    assert np.isnan([one.ours(empty) for one in PAPERS["realnet-2024"](False).reported]).all()
    regions = table[table["benchmark"] == "fMRI"]
    of_fmri = {"improvements": regions, "improvements_of_subjects": regions}
    assert [one.ours(of_fmri) for one in PAPERS["realnet-fmri-2024"](False).reported] == [5.0, 5.0]


def test_published_models_need_no_training():
    paper = PAPERS["realnet-2024"](False)
    left = [one.identifier for one in to_train(paper, published=True)]
    assert len(left) == 52
    assert not set(left) & {one.identifier for one in paper.headline}


@pytest.mark.parametrize("paper", [PAPERS["realnet-fmri-2024"](False), PAPERS["realnet-2024"](True)])
def test_models_that_nobody_published_cannot_be_taken(paper):
    with pytest.raises(BadInputError, match=r"--published.*train"):
        to_train(paper, published=True)
