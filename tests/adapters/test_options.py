from collections import Counter

import numpy as np
import pytest

from brainscore_realnet.adapters.eeg_rsa import EEGRSABenchmark
from brainscore_realnet.adapters.options import EEGOptions
from brainscore_realnet.errors import BadInputError

AREAS = ("V1", "V2", "V4", "IT")
SUBJECTS = ("sub-01", "sub-02", "sub-03")


def test_defaults_leave_the_identifier_alone_and_options_append_theirs(data_of):
    plain = EEGRSABenchmark("SimTiny-rsa", data_of(), parent="IT", version=1, bibtex="")
    assert plain.identifier == plain.with_options(course=(0.0, 0.1)).identifier == "SimTiny-rsa"
    suffixes = {
        "-fullfield": {"screen": "fullfield"},
        "-window60-140ms": {"window": (0.06, 0.14)},
        "-pseudotrialsize2": {"pseudotrial_size": 2},
        "-folds2": {"folds": 2},
        "-repeats1": {"repeats": 1},
        "-seed3": {"seed": 3},
        "-lda": {"rdm": "lda"},
        "-smooth5": {"preset": "neurora-1"},
        "-weightingdecision": {"weighting": "decision"},
        "-pseudotrialsize4-folds2-repeats10": {"preset": "gifford", "repeats": 10},
    }
    for suffix, options in suffixes.items():
        assert plain.with_options(**options).identifier == f"SimTiny-rsa{suffix}"
    twice = plain.with_options(seed=3).with_options(screen="fullfield")
    assert twice.identifier.startswith("SimTiny-rsa-")
    assert Counter(twice.identifier) == Counter("SimTiny-rsa-seed3-fullfield")
    assert (twice.parent, twice.version, twice.subjects, twice.areas) == ("IT", 1, SUBJECTS, AREAS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"windw": (0, 1)}, r"unknown options windw; expected some of .*window"),
        ({"preset": "nobody"}, "preset='nobody'; expected one of neurora-1, neurora-2, gifford"),
        ({"rdm": "knn"}, "rdm='knn'"),
        ({"rdm": "crossnobis", "preset": "neurora-2"}, "preset='neurora-2' with rdm='crossnobis'"),
        ({"recordings": "mine"}, r"recordings='mine'; expected 'published' or .*mvnn-training-100hz"),
        ({"screen": "cinema"}, r"screen='cinema'; expected one of degrees, fullfield"),
        ({"window": (0.2, 0.1)}, r"window=\(0\.2, 0\.1\)"),
        ({"window": (0.1,)}, r"window=\(0\.1,\)"),
        ({"course": (0.2, 0.1)}, r"course=\(0\.2, 0\.1\)"),
    ],
)
def test_bad_options_are_refused_at_once(benchmark_of, options, message):
    with pytest.raises(BadInputError, match=message):
        benchmark_of(options=options)


def test_window_without_samples_names_the_times_there_are():
    with pytest.raises(
        BadInputError, match=r"No sample lies in the window \(5, 6\); expected times from 0\.0 to 0\.18"
    ):
        EEGOptions(window=(5, 6)).time_indices(np.arange(10) * 0.02)


def test_indices_cover_window_and_course_without_gaps():
    times = np.arange(-20, 80) / 100
    assert times[EEGOptions().time_indices(times)].tolist() == pytest.approx(np.arange(5, 21) / 100)
    assert EEGOptions().in_window(times).sum() == 16
    wider = EEGOptions(course=(-0.1, 0.1)).time_indices(times)
    assert times[wider].tolist() == pytest.approx(np.arange(-10, 21) / 100)
    apart = EEGOptions(window=(0.1, 0.2), course=(0.4, 0.5)).time_indices(times)
    assert times[apart].tolist() == pytest.approx(np.arange(10, 51) / 100)
