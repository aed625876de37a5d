import numpy as np
import pytest

from brainscore_realnet.adapters import kamitani as adapter
from brainscore_realnet.adapters.kamitani import HORIKAWA2017, ROIS, SHEN2019, SOURCES, parse, rsa_benchmark
from brainscore_realnet.datasets import kamitani
from brainscore_realnet.errors import MissingDataError, UnknownIdentifierError


@pytest.mark.parametrize(
    ("identifier", "source", "split", "part"),
    [
        ("Shen2019-rsa", "Shen2019", "test", ""),
        ("Shen2019.LOC-rsa", "Shen2019", "test", "LOC"),
        ("Shen2019shapes.sub03-rsa", "Shen2019", "shapes", "sub03"),
        ("SimShen2019letters-rsa", "SimShen2019", "letters", ""),
        ("Horikawa2017.FFA-rsa", "Horikawa2017", "test", "FFA"),
        ("SimHorikawa2017_training", "SimHorikawa2017", "training", ""),
        ("Shen2019.sub01_letters", "Shen2019", "letters", "sub01"),
    ],
)
def test_identifiers_name_source_split_and_part(identifier, source, split, part):
    assert parse(identifier) == (SOURCES[source], split, part)


@pytest.mark.parametrize("identifier", ["Shen2020-rsa", "Horikawa2017shapes-rsa", "Shen2019", "Shen2019.sub01_imagery"])
def test_identifiers_of_nothing_are_refused(identifier):
    with pytest.raises(UnknownIdentifierError, match=r"expected one of Shen2019, Horikawa2017"):
        parse(identifier)


def test_benchmarks_are_what_their_names_say():
    headline, region, subject = (rsa_benchmark(f"Shen2019{part}-rsa", 1, "") for part in ("", ".V3", ".sub02"))
    assert (headline.rois, headline.subjects, headline.parent) == (ROIS, ("sub-01", "sub-02", "sub-03"), "IT")
    assert (region.rois, region.subjects, region.parent) == (("V3",), headline.subjects, "Shen2019-rsa")
    assert (subject.rois, subject.subjects, subject.parent) == (ROIS, ("sub-02",), "Shen2019-rsa")
    assert rsa_benchmark("Shen2019shapes.V1-rsa", 1, "").parent == "Shen2019shapes-rsa"
    horikawa = rsa_benchmark("Horikawa2017-rsa", 1, "")
    assert (horikawa.rois, len(horikawa.subjects)) == (ROIS, 5)
    assert rsa_benchmark("Horikawa2017.PPA-rsa", 1, "").rois == ("PPA",)


def test_real_and_simulated_data_never_share_a_place():
    places = [source.stored_as for source in SOURCES.values()]
    assert len(set(places)) == len(places)
    for source in SOURCES.values():
        assert source.simulated is source.stored_as.startswith("sim-") is source.name.startswith("Sim")
        assert source.neural_data("test").simulated is source.simulated


def test_images_are_shown_at_the_size_at_which_subjects_saw_them():
    assert SHEN2019.neural_data("test").visual_degrees == HORIKAWA2017.neural_data("test").visual_degrees == 12
    # The simulated reference models' field of view, which virtual subjects' stimuli filled.
    assert SOURCES["SimShen2019"].neural_data("test").visual_degrees == 7


@pytest.mark.parametrize("source", [SHEN2019, HORIKAWA2017], ids=lambda source: source.name)
def test_real_data_are_never_made(own_store, monkeypatch, source):
    monkeypatch.setattr(adapter.simulation, "ensure", lambda *_, **__: pytest.fail("simulated a real data set"))
    subjects = source.subjects
    for access in (
        lambda: source.stimuli("test"),
        lambda: source.recording("sub-01", "test"),
        lambda: source.require(subjects, "test"),
    ):
        with pytest.raises(MissingDataError, match=f"brainscore data add {source.stored_as}"):
            access()


def test_all_that_is_missing_is_named_at_once(own_store):
    with pytest.raises(MissingDataError) as error:
        SHEN2019.require(SHEN2019.subjects, "test")
    assert all(f"sub-0{number} test" in str(error.value) for number in (1, 2, 3))
    assert "test images" in str(error.value)


def test_simulated_subjects_come_in_every_generation_of_files_and_see_the_same():
    source = SOURCES["SimShen2019"]
    recordings = [source.recording(subject, "test") for subject in source.subjects]
    assert {recording.generation for recording in recordings} == {"original", "v2", "fmriprep"}
    assert len({recording.stimuli for recording in recordings}) == 1
    assert list(source.stimuli("test")["stimulus_id"].values) == list(recordings[0].stimuli)


def test_data_set_deleted_from_the_store_is_made_again(own_store, monkeypatch):
    source = SOURCES["SimHorikawa2017"]
    first = source.recording("sub-01", "test").responses("V1")
    for card in (own_store / "data" / source.stored_as).glob("sub-01*.json"):
        card.unlink()
    np.testing.assert_array_equal(source.recording("sub-01", "test").responses("V1"), first)
    assert kamitani.subjects("test", source.stored_as) == list(source.subjects)
