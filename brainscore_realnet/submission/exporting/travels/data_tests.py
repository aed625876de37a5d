"""Tests of the stimulus set and the neural RDMs that ``data.json`` beside this file names."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from brainscore_vision import load_dataset, load_stimulus_set
from scipy.stats import rankdata, zscore

from brainscore_realnet.submission.exporting.travels.data import settings

# The images may be shared with those alone who have the right to them.
pytestmark = pytest.mark.private_access


@pytest.fixture(scope="module", name="stimuli")
def loaded_stimuli() -> Any:
    """Stimulus set under its registered name."""
    return load_stimulus_set(settings()["stimulus_set"]["identifier"])


@pytest.fixture(scope="module", name="assembly")
def loaded_assembly() -> Any:
    """Neural RDMs under their registered name."""
    return load_dataset(settings()["assembly"]["identifier"])


def _rdm(assembly: Any, stimuli: Any, subject: str, condition: Any) -> np.ndarray:
    """(n_images, n_images) dissimilarities in the order of the stimuli, picked by the stimuli's names."""
    kept = assembly["subject"].values == subject
    if "time_bin" in assembly.dims:
        assembly = assembly.isel(time_bin=list(assembly["time_bin_start"].values).index(condition))
    else:
        kept &= assembly["region"].values == condition
    values = assembly.transpose("presentation", "neuroid").values[:, kept]
    table = pd.DataFrame(values, assembly["stimulus_id"].values, assembly["compared_stimulus_id"].values[kept])
    return table.loc[list(stimuli["stimulus_id"]), list(stimuli["stimulus_id"])].to_numpy()


def test_every_stimulus_has_an_image(stimuli: Any) -> None:
    """The table and the images belong together."""
    assert stimuli.identifier == settings()["stimulus_set"]["identifier"]
    assert all(Path(stimuli.get_stimulus(one)).is_file() for one in stimuli["stimulus_id"])


def test_rdms_are_of_the_stimuli(assembly: Any, stimuli: Any) -> None:
    """Every stimulus is compared with every other, the same in both directions."""
    assert assembly.attrs["identifier"] == settings()["assembly"]["identifier"]
    assert set(assembly["stimulus_id"].values) == set(stimuli["stimulus_id"])
    assert set(assembly["compared_stimulus_id"].values) == set(stimuli["stimulus_id"])
    for bounds in json.loads(assembly.attrs["ceilings"]).values():
        rdm = _rdm(assembly, stimuli, bounds["subjects"][0], bounds["conditions"][0])
        assert np.isfinite(rdm).all()
        np.testing.assert_array_equal(rdm, rdm.T)


def test_upper_ceiling_is_that_of_averaged_ranks(assembly: Any, stimuli: Any) -> None:
    """With several subjects it is their mean correlation with the mean of all subjects' z-scored ranks."""
    several = [bounds for bounds in json.loads(assembly.attrs["ceilings"]).values() if len(bounds["subjects"]) > 1]
    pairs = np.triu_indices(len(stimuli), 1)
    for bounds in several:
        for condition, upper in zip(bounds["conditions"], bounds["upper"], strict=True):
            rdms = [_rdm(assembly, stimuli, subject, condition)[pairs] for subject in bounds["subjects"]]
            ranks = [zscore(rankdata(rdm)) for rdm in rdms]
            pooled = np.mean(ranks, axis=0)
            assert np.mean([np.corrcoef(one, pooled)[0, 1] for one in ranks]) == pytest.approx(upper, abs=1e-9)


def test_ceilings_are_in_range(assembly: Any) -> None:
    """A bound is a correlation, and the lower one is the lower one."""
    for bounds in json.loads(assembly.attrs["ceilings"]).values():
        assert all(0 <= upper <= 1 for upper in bounds["upper"])
        assert all(
            lower is None or lower < upper for lower, upper in zip(bounds["lower"], bounds["upper"], strict=True)
        )
