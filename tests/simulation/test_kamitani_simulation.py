import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace

import h5py
import numpy as np
import pytest
from PIL import Image

from brainscore_realnet.datasets import kamitani as dataset
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import compare_rdms, correlation_rdm
from brainscore_realnet.simulation import artificial_images, fmri
from brainscore_realnet.simulation import kamitani as simulation
from brainscore_realnet.simulation.components import AREAS
from brainscore_realnet.simulation.hidden_network import HiddenNetwork, NoiseNetwork, _preprocess, activity
from brainscore_realnet.simulation.kamitani_labels import RUNS_A_SESSION, TRIALS_A_RUN, trials

SMALL = simulation.Specification(
    subjects=3,
    voxels=40,
    test_images=6,
    test_repetitions=3,
    training_concepts=5,
    training_exemplars=2,
    shapes=4,
    shape_repetitions=2,
    letters=3,
    letter_repetitions=2,
    image_size=64,
)
SMALL_HORIKAWA = replace(
    simulation.HORIKAWA2017,
    subjects=2,
    voxels=40,
    test_images=6,
    test_repetitions=3,
    training_concepts=6,
    image_size=64,
)
HOME = {"V1": "V1", "V2": "V2", "V4": "V4", "LOC": "IT", "FFA": "IT", "PPA": "IT"}
TWINS = {"shen2019": simulation.SHEN2019, "horikawa2017": simulation.HORIKAWA2017}


class Twin:
    """A simulated set of the default size, registered in a store of its own."""

    def __init__(self, specification, folder, monkeypatch):
        monkeypatch.setenv("BRAINSCORE_REALNET_HOME", str(folder / "store"))
        self.specification = specification
        self.folder = simulation.ensure(specification)
        self.name = self.folder.name
        self.summary = dataset.add(self.folder, self.name, progress=False)
        self.subjects = [f"sub-{number:02d}" for number in range(1, specification.subjects + 1)]

    def rdms(self, split, roi, repetitions=slice(None)):
        """One RDM a subject."""
        return np.stack(
            [
                correlation_rdm(
                    dataset.open_subject(subject, split, self.name).responses(roi)[:, repetitions].mean(axis=1)
                )
                for subject in self.subjects
            ]
        )

    def paths(self, split):
        return [row["path"] for row in dataset.open_images(split, self.name).rows]


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield {
            form: Twin(specification, tmp_path_factory.mktemp(form), monkeypatch)
            for form, specification in TWINS.items()
        }


@pytest.fixture(params=list(TWINS))
def twin(request, twins, monkeypatch):
    chosen = twins[request.param]
    monkeypatch.setenv("BRAINSCORE_REALNET_HOME", str(chosen.folder.parent.parent))
    return chosen


@pytest.fixture
def shen(twins, monkeypatch):
    monkeypatch.setenv("BRAINSCORE_REALNET_HOME", str(twins["shen2019"].folder.parent.parent))
    return twins["shen2019"]


@pytest.fixture
def horikawa(twins, monkeypatch):
    monkeypatch.setenv("BRAINSCORE_REALNET_HOME", str(twins["horikawa2017"].folder.parent.parent))
    return twins["horikawa2017"]


def hashes(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def image_splits(twin):
    return [split for split in ("test", "shapes", "letters") if split in simulation.stimuli(twin.specification)]


def columns(file, key):
    keys = [name.decode() for name in file["metadata/key"][:]]
    return file["dataset"][:, file["metadata/value"][keys.index(key)] == 1]


def test_same_specification_writes_the_same_bytes_under_another_hash_seed_and_number_of_threads(tmp_path):
    code = (
        "import sys; from pathlib import Path; from brainscore_realnet.simulation import kamitani as k\n"
        "for form, text in zip(('shen', 'god'), sys.argv[2:]):\n"
        "    target = Path(sys.argv[1]) / form; target.mkdir(parents=True)\n"
        "    k.write(target, k.Specification(**__import__('json').loads(text)))"
    )
    specifications = [json.dumps(specification.__dict__) for specification in (SMALL, SMALL_HORIKAWA)]
    hash_seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "other"), *specifications],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": "Asia/Tokyo", "OMP_NUM_THREADS": "1"},
    )
    for form, specification in (("shen", SMALL), ("god", SMALL_HORIKAWA)):
        (tmp_path / "here" / form).mkdir(parents=True)
        simulation.write(tmp_path / "here" / form, specification)
    assert other.wait(120) == 0
    found = hashes(tmp_path / "here")
    assert len(found) == 2 * 1 + 3 * 4 + 2 + (6 + 10 + 4 + 3) + (6 + 12)
    assert found == hashes(tmp_path / "other")


def test_another_form_size_signal_or_seed_is_another_set():
    changed = [replace(SMALL, **{name: value}) for name, value in (("seed", 8), ("signal", 0.1), ("voxels", 41))]
    everything = [*changed, SMALL, SMALL_HORIKAWA, *TWINS.values(), simulation.FULL_SIZE]
    assert len({specification.digest for specification in everything}) == len(everything)


@pytest.mark.parametrize(
    ("specification", "name"),
    [(simulation.FULL_SIZE, "shen2019"), (simulation.FULL_SIZE_HORIKAWA2017, "horikawa2017")],
)
def test_full_size_is_that_of_the_published_set(specification, name):
    published = dataset.DATA_SETS[name]
    images = specification.training_concepts * specification.training_exemplars
    sizes = {
        "training": (images, specification.training_repetitions),
        "test": (specification.test_images, specification.test_repetitions),
        "shapes": (specification.shapes, specification.shape_repetitions),
        "letters": (specification.letters, specification.letter_repetitions),
        "imagery": (specification.test_images, specification.imagery_repetitions),
    }
    assert specification.form == name
    assert specification.subjects == len(published.subjects)
    assert {split: (what.n_stimuli, what.n_repetitions) for split, what in published.splits.items()} == {
        split: sizes[split] for split in published.splits
    }


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"form": "shen2020"}, "one of shen2019, horikawa2017"),
        ({"subjects": 0}, "subjects = 0"),
        ({"voxels": 32}, "expected 33 or more"),
        ({"shapes": 41}, "expected 2 … 40"),
        ({"letters": 11}, "expected 2 … 10"),
        ({"imagery_repetitions": 2}, "imagery_repetitions = 2 \\(expected 0\\)"),
        ({"form": "horikawa2017", "imagery_repetitions": 1}, "shapes = 12 \\(expected 0\\)"),
        ({"signal": -1.0}, "expected 0 or more"),
        ({"signal": float("nan")}, "expected 0 or more"),
        ({"seed": -1}, "seed = -1 \\(expected 0 or more\\)"),
        ({"test_images": 2, "training_concepts": 1, "shapes": 2, "letters": 2}, "expected more than 16"),
    ],
)
def test_sizes_that_cannot_be_simulated_are_refused(sizes, message):
    with pytest.raises(BadInputError, match=message):
        simulation.Specification(**sizes)


def test_natural_names_round_trip_through_float64_and_are_none_of_imagenets():
    sets = simulation.stimuli(simulation.SHEN2019)
    for split in ("test", "training"):
        names = [stimulus.name for stimulus in sets[split]]
        identifiers = np.array([stimulus.identifier for stimulus in sets[split]])
        decoded = ["n{:08d}_{}".format(*map(int, f"{value:f}".split("."))) for value in identifiers]
        assert decoded == names == sorted(set(names))
        assert identifiers.min() > 9e7
        single = ["n{:08d}_{}".format(*map(int, f"{value:f}".split("."))) for value in identifiers.astype(np.float32)]
        assert single != names
    assert not {name[:9] for name in names} & {stimulus.name[:9] for stimulus in sets["test"]}
    assert names != [name for _, name in sorted(zip(identifiers, names, strict=True))], "numbers sort otherwise"


def test_two_twins_share_no_image():
    first, second = (simulation.stimuli(specification)["test"] for specification in TWINS.values())
    assert not {stimulus.name for stimulus in first} & {stimulus.name for stimulus in second}
    assert not np.array_equal(np.asarray(first[0].draw()), np.asarray(second[0].draw()))


def test_shapes_and_letters_all_look_different():
    pictures = [artificial_images.draw_shape(number, 48) for number in range(artificial_images.N_SHAPES)]
    pictures += [artificial_images.draw_letter(number, 48) for number in range(artificial_images.N_LETTERS)]
    assert len({np.asarray(picture).tobytes() for picture in pictures}) == 50
    for picture in pictures:
        pixels = np.asarray(picture)
        assert pixels.shape == (48, 48, 3)
        np.testing.assert_array_equal(pixels[0], 127)
        assert 0.02 < np.mean(np.any(pixels != 127, axis=-1)) < 0.6


def test_every_repetition_shows_all_stimuli_once_in_an_order_of_its_own():
    sequence = trials(70, 12, np.random.default_rng(0))
    orders = sequence.shown.reshape(12, 70)
    np.testing.assert_array_equal(np.sort(orders, axis=1), np.tile(np.arange(70), (12, 1)))
    assert len(np.unique(orders, axis=0)) == 12
    assert np.unique(sequence.run).tolist() == list(range(1, 25))
    assert np.bincount(sequence.run)[1:].tolist() == [TRIALS_A_RUN, 20] * 12
    np.testing.assert_array_equal(sequence.session, (sequence.run - 1) // RUNS_A_SESSION + 1)


def test_subjects_of_shen_come_in_the_three_generations_of_files(shen):
    assert sorted(path.name for path in shen.folder.glob("*.h5")) == [
        "sub-01_perceptionArtificialImage_original_VC.h5",
        "sub-01_perceptionLetterImage_original_VC.h5",
        "sub-01_perceptionNaturalImageTest_original_VC.h5",
        "sub-01_perceptionNaturalImageTraining_original_VC.h5",
        "sub-02_perceptionArtificialImage_VC_v2.h5",
        "sub-02_perceptionLetterImage_VC_v2.h5",
        "sub-02_perceptionNaturalImageTest_VC_v2.h5",
        "sub-02_perceptionNaturalImageTraining_VC_v2.h5",
        "sub-03_ArtificialShapes_fmriprep_volume_native.h5",
        "sub-03_ImageNetTest_fmriprep_volume_native.h5",
        "sub-03_ImageNetTraining_fmriprep_volume_native.h5",
        "sub-03_LetterImage_fmriprep_volume_native.h5",
    ]
    with (
        h5py.File(shen.folder / "sub-01_perceptionNaturalImageTest_original_VC.h5") as original,
        h5py.File(shen.folder / "sub-02_perceptionNaturalImageTest_VC_v2.h5") as second,
        h5py.File(shen.folder / "sub-03_ImageNetTest_fmriprep_volume_native.h5") as fmriprep,
    ):
        keys = [{key.decode() for key in file["metadata/key"][:]} for file in (original, second, fmriprep)]
        assert [("ROI_V4" in each, "ROI_hV4" in each) for each in keys] == [(True, False), (True, False), (False, True)]
        assert ["image_index" in each for each in keys] == [False, True, False]
        assert (columns(original, "Label").shape[1], columns(second, "Label").shape[1]) == (2, 3)
        names = [stimulus.name for stimulus in simulation.stimuli(shen.specification)["test"]]
        vmap = {float(number): name[()].decode() for number, name in fmriprep["vmap/stimulus_name"].items()}
        assert vmap == dict(enumerate(names, start=1))
        for file, index in ((original, columns(original, "Label")), (second, columns(second, "image_index"))):
            identifiers = columns(file, "Label")[:, -1]
            decoded = ["n{:08d}_{}".format(*map(int, f"{value:f}".split("."))) for value in identifiers]
            assert decoded == [names[int(number) - 1] for number in index[:, 0]]


def test_metadata_mark_voxels_with_one_other_voxels_with_zero_and_labels_with_nan(twin):
    specification = twin.specification
    for path in twin.folder.glob("*.h5"):
        with h5py.File(path) as file:
            keys = [key.decode() for key in file["metadata/key"][:]]
            values = dict(zip(keys, file["metadata/value"][:], strict=True))
            assert file["dataset"].dtype == np.float64
            assert file["dataset"].shape[1] == len(values["VoxelData"])
            assert len(file["metadata/description"]) == len(keys)
            assert b"simulated" in file["header/description"][()]
        voxels = values["VoxelData"] == 1
        assert voxels.sum() == specification.voxels * len(simulation.ROIS[specification.form])
        np.testing.assert_array_equal(values["ROI_VC"], values["VoxelData"])
        rois = {key: values[key] for key in keys if key.startswith("ROI_") and key[4:] not in ("VC", "LVC", "HVC")}
        for marked in rois.values():
            np.testing.assert_array_equal(np.isnan(marked), ~voxels)
            assert set(marked[voxels]) == {0.0, 1.0}
            assert np.any(np.diff(np.flatnonzero(marked == 1)) > 1)
        np.testing.assert_array_equal(np.nansum(list(rois.values()), axis=0)[voxels], 1.0)
        for key in ("Run", "Session"):
            np.testing.assert_array_equal(np.isnan(values[key]), values[key] != 1)
        for axis in "xyz":
            np.testing.assert_array_equal(np.isnan(values[f"voxel_{axis}"]), ~voxels)


def test_files_of_horikawa_hold_training_test_and_imagery_of_concepts(horikawa):
    with h5py.File(horikawa.folder / "Subject1.h5") as file:
        types, identifiers = columns(file, "DataType")[:, 0], columns(file, "stimulus_id")[:, 0]
        lower, v1 = columns(file, "ROI_LVC"), columns(file, "ROI_V1")
    assert {kind: int(np.sum(types == kind)) for kind in (1, 2, 3)} == {1: 60, 2: 24 * 8, 3: 24 * 2}
    assert set(np.floor(identifiers[types == 2])) == set(identifiers[types == 3])
    assert lower.shape[1] == 3 * v1.shape[1]


def test_loaders_of_the_real_sets_read_the_simulated_ones(twin):
    assert twin.summary["absent"] in ([], {}, ()), twin.summary
    specification = twin.specification
    sizes = {
        "test": (specification.test_images, specification.test_repetitions),
        "training": (
            specification.training_concepts * specification.training_exemplars,
            specification.training_repetitions,
        ),
        "shapes": (specification.shapes, specification.shape_repetitions),
        "letters": (specification.letters, specification.letter_repetitions),
    }
    sets = simulation.stimuli(specification)
    for split, of_split in sets.items():
        table = dataset.open_images(split, twin.name)
        assert [row["stimulus_id"] for row in table.rows] == sorted(stimulus.name for stimulus in of_split)
        for row in table.rows[:2]:
            with Image.open(row["path"]) as image:
                assert image.size == (specification.image_size,) * 2
        for subject in twin.subjects:
            recording = dataset.open_subject(subject, split, twin.name)
            assert list(recording.stimuli) == [row["stimulus_id"] for row in table.rows]
            for roi in simulation.ROIS[specification.form]:
                assert recording.responses(roi).shape == (*sizes[split], specification.voxels)
                assert recording.voxel_coordinates(roi).shape == (specification.voxels, 3)


def test_shapes_and_letters_are_the_files_of_their_numbers(shen):
    for split, draw in (("shapes", artificial_images.draw_shape), ("letters", artificial_images.draw_letter)):
        for number, row in enumerate(dataset.open_images(split, shen.name).rows):
            with Image.open(row["path"]) as image:
                np.testing.assert_array_equal(np.asarray(image), np.asarray(draw(number, 128)))


def test_regions_are_most_similar_to_their_own_areas(twin):
    for split in image_splits(twin):
        hidden = activity(twin.paths(split))
        for roi in set(simulation.ROIS[twin.specification.form]) & set(HOME):
            rdms = twin.rdms(split, roi)
            similarity = {
                area: np.mean([compare_rdms(rdm, correlation_rdm(hidden[area])) for rdm in rdms]) for area in AREAS
            }
            assert max(similarity, key=similarity.get) == HOME[roi], (split, roi, similarity)


def test_mean_rdms_are_reliable_but_not_perfect(twin):
    for split in image_splits(twin):
        for roi in simulation.ROIS[twin.specification.form]:
            odd, even = (twin.rdms(split, roi, slice(first, None, 2)) for first in (0, 1))
            halves = np.mean([compare_rdms(a, b) for a, b in zip(odd, even, strict=True)])
            assert 0.3 < 2 * halves / (1 + halves) < 0.95, (split, roi, halves)


def rdms_of_network(network, images):
    """One RDM an area; a network of noise answers images and not its own areas."""
    rdms, x = [], images
    for area in AREAS:
        x = getattr(network, area)(images if isinstance(network, NoiseNetwork) else x)
        rdms.append(correlation_rdm(x.flatten(1).numpy()))
    return rdms


def test_the_hidden_network_beats_a_random_one_and_noise_knows_nothing(twin):
    import torch

    for split in image_splits(twin):
        images = torch.stack([_preprocess(path) for path in twin.paths(split)])
        measured = [twin.rdms(split, roi) for roi in ("V1", "V2", "V3", "V4", "LOC")]
        scores = {}
        for name, network in (("hidden", HiddenNetwork()), ("random", HiddenNetwork(1)), ("noise", NoiseNetwork())):
            rdms = rdms_of_network(network, images)
            similarity = [
                [np.mean([compare_rdms(rdm, area) for rdm in of_roi]) for area in rdms] for of_roi in measured
            ]
            scores[name] = np.mean(similarity) if name == "noise" else np.mean(np.max(similarity, axis=1))
        n_pairs = len(images) * (len(images) - 1) // 2
        assert scores["hidden"] > scores["random"] + 0.15, (split, scores)
        assert abs(scores["noise"]) < 2.0 / np.sqrt(n_pairs), (split, scores)


def test_without_signal_responses_know_nothing_of_the_images(tmp_path):
    specification = replace(SMALL, signal=0.0, test_images=16, test_repetitions=4)
    simulation.write(tmp_path, specification)
    sets = simulation.stimuli(specification)["test"]
    hidden = activity([tmp_path / stimulus.path for stimulus in sets])
    similarity = []
    for path in sorted(tmp_path.glob("sub-0[12]_*Test*.h5")):
        with h5py.File(path) as file:
            shown = columns(file, "Label")[:, 0].astype(int)
            for roi in ("V1", "V2", "V4", "LOC"):
                responses = columns(file, f"ROI_{roi}")
                means = np.stack([responses[shown == number].mean(axis=0) for number in range(1, 17)])
                similarity.append(compare_rdms(correlation_rdm(means), correlation_rdm(hidden[HOME[roi]])))
    assert len(similarity) == 8
    assert abs(np.mean(similarity)) < 0.1


def test_ensure_makes_the_set_once_and_says_that_it_is_simulated(own_store):
    folder = simulation.ensure(SMALL)
    stamp = (folder / "SIMULATED.json").stat().st_mtime_ns
    assert simulation.ensure(SMALL) == folder
    assert (folder / "SIMULATED.json").stat().st_mtime_ns == stamp
    assert folder.name == f"sim-shen2019-{SMALL.digest}"
    assert json.loads((folder / "SIMULATED.json").read_text())["seed"] == SMALL.seed


def test_region_names_of_the_tables_agree():
    assert {roi for rois in simulation.ROIS.values() for roi in rois} == set(fmri.POWERS) == set(fmri.CENTRES)
    assert set(simulation.VIVIDNESS) == set(simulation.ROIS["horikawa2017"])
