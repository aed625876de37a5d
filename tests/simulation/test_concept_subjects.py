"""Virtual subjects who respond late to an image's concept, and the sets of them that are made where they are needed."""

import numpy as np
import pytest

from brainscore_realnet.datasets import things_eeg2 as reader
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.simulation import eeg, public
from brainscore_realnet.simulation import things_eeg2 as simulation
from brainscore_realnet.simulation.concepts import PROPERTIES, properties
from brainscore_realnet.simulation.public import PUBLIC
from brainscore_realnet.simulation.things_eeg2 import ALIGNMENT, DEFAULT, Specification

SMALL = Specification(
    subjects=2,
    test_images=10,
    test_repetitions=4,
    training_concepts=4,
    training_exemplars=2,
    training_repetitions=2,
    image_size=32,
    late="concepts",
    epoch=(-0.05, 0.25),
)


def evoked(components, subject, times):
    """Responses without noise, exactly: what trials gain by a signal of 1."""
    trials = [
        eeg.simulate_trials(components, subject, times, 1, signal, np.random.default_rng(0)) for signal in (1.0, 0.0)
    ]
    return (trials[0] - trials[1])[:, 0]


def test_mixing_and_noise_are_those_of_the_usual_subject():
    usual, subject = eeg.virtual_subject(3, 17, 7), eeg.concept_subject(3, 17, 7)
    assert set(subject.weights) == set(subject.mixing) == {*eeg.EARLY_AREAS, eeg.CONCEPTS}
    for area in eeg.EARLY_AREAS:
        np.testing.assert_array_equal(subject.mixing[area], usual.mixing[area])
    np.testing.assert_array_equal(subject.noise_mixing, usual.noise_mixing)


def test_weights_are_the_usual_ones_further_apart_and_as_strong_together():
    usual, subject = eeg.virtual_subject(3, 17, 7), eeg.concept_subject(3, 17, 7)
    for area in eeg.EARLY_AREAS:
        apart, usually = (np.log(one.weights[area] / one.weights[area][0]) for one in (subject, usual))
        np.testing.assert_allclose(apart, usually * eeg.CONCEPT_SPREAD / eeg.SPREAD, atol=1e-12)
    for weights in subject.weights.values():
        assert np.mean(weights**2) == pytest.approx(1)
        assert weights.min() > 0


def test_subjects_weigh_properties_differently():
    weights = np.stack([eeg.concept_subject(number, 17, 7).weights[eeg.CONCEPTS] for number in range(1, 201)])
    assert weights.shape == (200, len(PROPERTIES))
    spread = np.log(weights / weights[:, :1])[:, 1:].std()
    assert spread == pytest.approx(np.sqrt(2) * eeg.CONCEPT_SPREAD, rel=0.1)


def test_properties_appear_on_orthogonal_patterns_of_channels():
    mixing = eeg.concept_subject(1, 17, 7).mixing[eeg.CONCEPTS]
    np.testing.assert_allclose(mixing @ mixing.T, np.eye(len(PROPERTIES)), atol=1e-12)


def test_responses_are_the_sum_over_sources_of_the_formula():
    times, subject = np.array([0.08, 0.15]), eeg.concept_subject(1, 17, 7)
    rng = np.random.default_rng(1)
    components = {source: rng.standard_normal((3, len(weights))) for source, weights in subject.weights.items()}
    expected = np.zeros((3, 17, 2))
    for source, weights in subject.weights.items():
        for image, component, channel, at in np.ndindex(3, len(weights), 17, 2):
            expected[image, channel, at] += (
                eeg.time_course(source, times)[at]
                * weights[component]
                * components[source][image, component]
                * subject.mixing[source][component, channel]
            )
    np.testing.assert_allclose(evoked(components, subject, times), expected, atol=1e-12)


def test_late_responses_tell_concepts_apart_and_not_their_exemplars():
    components = {area: np.zeros((3, eeg.COMPONENTS)) for area in eeg.EARLY_AREAS}
    components[eeg.CONCEPTS] = properties([1, 1, 2], seed=0)
    found = evoked(components, eeg.concept_subject(1, 17, 7), np.array([eeg.LATENCIES[eeg.CONCEPTS]]))
    np.testing.assert_allclose(found[0], found[1], atol=1e-12)
    assert np.abs(found[0] - found[2]).max() > 0.01


def test_default_set_knows_no_concepts_and_has_the_published_epoch():
    assert (DEFAULT.late, DEFAULT.epoch) == ("areas", (-0.2, 0.79))
    np.testing.assert_array_equal(DEFAULT.times, np.arange(-20, 80) / 100)
    assert set(eeg.virtual_subject(1, 17, 7).weights) == set(eeg.AREAS)


def test_set_for_alignment_can_carry_tests_over_subjects_on_other_concepts():
    assert ALIGNMENT.subjects >= 6
    assert ALIGNMENT.late == "concepts"
    assert ALIGNMENT in PUBLIC
    assert ALIGNMENT.stored_as.startswith("sim-")
    assert len({specification.stored_as for specification in PUBLIC}) == len(PUBLIC)
    # the halves of a single subject's trials still decode by the benchmark's defaults: 4 folds of pseudotrials of 5
    assert ALIGNMENT.test_repetitions // 2 >= 4 * 5


@pytest.mark.parametrize("wrong", [{"late": "words"}, {"epoch": (0.2, 0.1)}])
def test_wrong_choices_are_refused(wrong):
    with pytest.raises(BadInputError, match="late='areas' or 'concepts'"):
        Specification(**wrong)


def test_set_is_made_and_registered_where_it_is_asked_for_and_only_once(own_store, monkeypatch):
    monkeypatch.setattr(public, "PUBLIC", {SMALL: simulation.stored})
    public.make_if_public("things-eeg2", progress=False)
    public.make_if_public(DEFAULT.stored_as, progress=False)
    assert not own_store.exists()
    made = []
    write = simulation.write
    monkeypatch.setattr(simulation, "write", lambda *given: made.append(given) or write(*given))
    for _ in range(2):
        public.make_if_public(SMALL.stored_as, progress=False)
    assert len(made) == 1
    assert reader.subjects("training", SMALL.stored_as) == list(SMALL.subject_names)
    recording = reader.open_subject("sub-02", "test", SMALL.stored_as)
    assert recording.data.shape == (10, 4, 17, 31)
    np.testing.assert_allclose(recording.times[[0, -1]], SMALL.epoch)
