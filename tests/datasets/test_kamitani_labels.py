import csv

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from kamitani_files import (
    HORIKAWA,
    SHEN,
    TABLES,
    VOXELS,
    image_table,
    presentation,
    write_fmriprep,
    write_horikawa,
    write_original,
    write_samples,
    write_v2,
)

from brainscore_realnet.datasets.kamitani.bdata import open_bdata
from brainscore_realnet.datasets.kamitani.generations import find_sources, read_content
from brainscore_realnet.datasets.kamitani.labels import arrange, canonical_name, natural_name
from brainscore_realnet.datasets.kamitani.sets import data_set
from brainscore_realnet.errors import BadFileError, BadInputError

NATURAL = "sub-01_perceptionNaturalImageTest"


def content(path, name=SHEN, split="test"):
    (source,), _ = find_sources([path], name)
    return read_content(open_bdata(path), source, split, name)


def shown_names(result):
    """Name of the stimulus of each sample, as the content tells it."""
    names = np.empty(result.rows.size, dtype=object)
    for stimulus, rows in zip(result.stimuli, result.rows, strict=True):
        names[rows] = stimulus
    return names.tolist()


@pytest.mark.parametrize(("split", "number"), [("test", 50), ("training", 1200)])
def test_every_id_of_the_real_tables_gives_its_name(split, number):
    texts, ids, names = image_table(split)
    assert [natural_name(one) for one in ids] == names
    assert len(set(names)) == number
    lost = [
        f"n{int(text.split('.')[0]):08d}_{int(str(one).split('.')[1])}" for text, one in zip(texts, ids, strict=True)
    ]
    assert lost != names, "the shortest text of a float drops zeros: the test would not notice the trap"
    single = [natural_name(float(np.float32(one))) for one in ids]
    assert not set(single) & set(names)


@given(st.integers(1000, 99_999_999), st.integers(1, 999_999))
def test_any_synset_and_number_survive_float64(synset, number):
    assert natural_name(float(f"{synset}.{number:06d}")) == f"n{synset:08d}_{number}"


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("n01443537_22563", "natural", "n01443537_22563"),
        ("n01443537_22563.JPEG", "natural", "n01443537_22563"),
        ("n1443537_00022563.jpg", "natural", "n01443537_22563"),
        ("image_7", "natural", None),
        ("", "natural", None),
        ("colorExpStim08_green_largering", "shape", "shape_08"),
        ("colorExpStim29_cyan_+.tiff", "shape", "shape_29"),
        ("shape_03", "shape", "shape_03"),
        ("letter_03.tif", "letter", "letter_03"),
        ("alphabet C", "letter", None),
        ("../letter", "letter", None),
    ],
)
def test_names_in_files_become_one_name_a_stimulus(text, kind, name):
    assert canonical_name(text, kind) == name


@pytest.mark.parametrize("generation", ["original", "v2", "v2 of another order", "fmriprep"])
def test_every_generation_tells_the_same_stimuli(tmp_path, generation):
    _, ids, names = image_table("test")
    shown = presentation(9, 4, seed=3)
    if generation == "original":
        write_original(path := tmp_path / f"{NATURAL}_original_VC.h5", ids, shown)
    elif generation == "fmriprep":
        write_fmriprep(path := tmp_path / "sub-01_ImageNetTest_fmriprep_volume_native.h5", names, shown)
    else:
        order = (0, 1, 2) if generation == "v2" else (2, 0, 1)
        write_v2(path := tmp_path / f"{NATURAL}_VC_v2.h5", ids, shown, order)
    result = content(path)
    assert result.stimuli == sorted(names[:9])
    assert shown_names(result) == [names[one] for one in shown]
    assert result.rows.shape == (9, 4)
    assert (np.diff(result.rows, axis=1) > 0).all(), "repetitions are in the order of presentation"


def test_stimuli_are_sorted_by_name_and_not_by_id(tmp_path):
    _, ids, names = image_table("training")
    shown = np.arange(40)
    write_original(path := tmp_path / "sub-01_perceptionNaturalImageTraining_original_VC.h5", ids, shown)
    result = content(path, split="training")
    by_id = [natural_name(one) for one in np.unique(ids[:40])]
    assert result.stimuli == sorted(names[:40])
    assert result.stimuli != by_id, "np.unique of the ids would have given another order"
    assert [names[row] for row in result.rows[:, 0]] == result.stimuli


def test_horikawa_has_three_splits_in_one_file(tmp_path):
    _, (training, test, imagery) = write_horikawa(tmp_path / "Subject2.h5", seed=4)
    names = image_table("training")[2], image_table("test")[2]
    with open(TABLES / "category_GODImagery.tsv", encoding="utf-8") as file:
        categories = [row[0] for row in csv.reader(file, delimiter="\t")]
    samples = 0
    for split, shown, known in (
        ("training", training, names[0]),
        ("test", test, names[1]),
        ("imagery", imagery, categories),
    ):
        result = content(tmp_path / "Subject2.h5", HORIKAWA, split)
        assert result.stimuli == sorted({known[one] for one in shown})
        assert sorted(result.rows.ravel()) == list(range(samples, samples + len(shown)))
        for stimulus, rows in zip(result.stimuli, result.rows, strict=True):
            assert {known[shown[row - samples]] for row in rows} == {stimulus}
        samples += len(shown)


def test_horikawa_of_older_files_has_label(tmp_path):
    write_horikawa(tmp_path / "Subject1.h5", label="Label")
    assert content(tmp_path / "Subject1.h5", HORIKAWA).stimuli == sorted(image_table("test")[2][:4])


@pytest.mark.parametrize(
    ("split", "what"), [("shapes", "perceptionArtificialImage"), ("letters", "perceptionLetterImage")]
)
@pytest.mark.parametrize("suffix", ["original_VC", "VC_v2"])
def test_shapes_and_letters_are_named_by_their_index(tmp_path, split, what, suffix):
    shown = presentation(12, 3, seed=5)
    write = write_original if suffix == "original_VC" else write_v2
    write(path := tmp_path / f"sub-03_{what}_{suffix}.h5", np.arange(1.0, 13.0), shown)
    result = content(path, split=split)
    assert result.stimuli == [f"{split[:-1]}_{number:02d}" for number in range(1, 13)]
    assert shown_names(result) == [f"{split[:-1]}_{one + 1:02d}" for one in shown]


@pytest.mark.parametrize(
    "name", ["colorExpStim{:02d}_red_square", "shape_{:02d}", "shape_{:02d}.tiff"], ids=["published", "plain", "suffix"]
)
def test_shapes_with_names_have_the_same_names_as_by_index(tmp_path, name):
    shown = presentation(12, 2, seed=6)
    names = [name.format(number) for number in range(1, 13)]
    write_fmriprep(path := tmp_path / "sub-03_ArtificialShapes_fmriprep_volume_native.h5", names, shown)
    assert shown_names(content(path, split="shapes")) == [f"shape_{one + 1:02d}" for one in shown]


def refused(path, match, **more):
    with pytest.raises(BadFileError, match=match) as caught:
        content(path, **more)
    assert path.name in str(caught.value)


def test_ids_in_single_precision_are_refused(tmp_path):
    _, ids, _ = image_table("test")
    path = tmp_path / f"{NATURAL}_original_VC.h5"
    write_original(path, np.array(ids, dtype=np.float32).astype(float), presentation(50, 2, seed=7))
    refused(path, r"Label\[1\]: .*lost in single precision")
    path = tmp_path / "sub-01_perceptionNaturalImageTraining_original_VC.h5"
    ids = np.array(image_table("training")[1], dtype=np.float32).astype(float)
    write_original(path, ids, presentation(1200, 1, seed=7))
    refused(path, r"Label\[1\]: .*lost in single precision", split="training")


def test_a_label_without_stimulus_ids_is_refused_with_what_it_holds(tmp_path):
    shown = presentation(6, 2, seed=8)
    labels = [(("Label",), shown + 1.0), (("Label",), np.floor(np.array(image_table("test")[1]))[shown])]
    write_samples(path := tmp_path / f"{NATURAL}_VC_v2.h5", len(shown), labels)
    refused(path, r"Label\[0\]: 6 different values from 1 to 6; Label\[1\]: .* without decimals.*generation is unknown")


def test_two_columns_of_ids_that_contradict_each_other_are_refused(tmp_path):
    shown = presentation(6, 2, seed=9)
    ids = np.array(image_table("test")[1])
    labels = [(("Label",), ids[shown]), (("Label",), ids[shown[::-1]])]
    write_samples(path := tmp_path / f"{NATURAL}_VC_v2.h5", len(shown), labels)
    refused(path, r"Label\[0\] and Label\[1\] both hold natural stimuli")
    labels[1] = labels[0]
    write_samples(path, len(shown), labels)
    assert len(content(path).stimuli) == 6


def test_two_columns_that_could_be_the_index_of_a_shape_are_refused(tmp_path):
    shown = presentation(6, 4, seed=10)
    labels = [(("Label",), np.tile(np.arange(1.0, 7.0), 4)), (("Label",), shown + 1.0)]
    write_samples(path := tmp_path / "sub-03_perceptionArtificialImage_VC_v2.h5", len(shown), labels)
    refused(path, r"Label\[0\] and Label\[1\] both hold shape stimuli", split="shapes")


@pytest.mark.parametrize("broken", ["gap", "unequal", "from zero", "fraction", "nan"])
def test_numbers_that_are_no_index_are_refused(tmp_path, broken):
    values = np.tile(np.arange(1.0, 5.0), 3)
    values += {"from zero": -1, "fraction": 0.5}.get(broken, 0)
    if broken == "gap":
        values[values == 3] = 7
    elif broken == "unequal":
        values[0] = 2
    elif broken == "nan":
        values[5] = np.nan
    write_samples(path := tmp_path / "sub-01_perceptionLetterImage_original_VC.h5", 12, [(("Label",), values)])
    refused(path, r"no label tells the letter stimuli \(Label\[0\]: ", split="letters")


@pytest.mark.parametrize("names", [["n01443537_22563", "a dog"], ["n01443537_22563"]])
def test_a_vmap_that_does_not_name_a_sample_is_refused(tmp_path, names):
    path = tmp_path / "sub-01_ImageNetTest_fmriprep_volume_native.h5"
    write_fmriprep(path, names, presentation(2, 2, seed=11))
    refused(path, r"stimulus_name 2, which is ('a dog'|None)")


def test_stimuli_that_are_not_repeated_equally_are_refused(tmp_path):
    _, ids, names = image_table("test")
    shown = presentation(6, 3, seed=12)
    shown[np.flatnonzero(shown == 4)[0]] = 2
    write_original(path := tmp_path / f"{NATURAL}_original_VC.h5", ids, shown)
    refused(path, rf"Got [24] samples of ({names[2]}|{names[4]}) .* 1 more of 6 stimuli .* every stimulus 3 times")


def test_two_numbers_of_one_name_are_duplicated_ids(tmp_path):
    path = tmp_path / "sub-01_ImageNetTest_fmriprep_volume_native.h5"
    names = [*image_table("test")[2][:4], image_table("test")[2][0]]
    write_fmriprep(path, names, presentation(5, 2, seed=13))
    refused(path, rf"Got 4 samples of {names[0]} .*every stimulus 2 times. Ids are duplicated")


def test_published_sets_have_published_numbers(tmp_path):
    _, ids, names = image_table("test")
    path = tmp_path / f"{NATURAL}_original_VC.h5"
    rois = dict.fromkeys(VOXELS, 2)
    write_original(path, ids, presentation(50, 24, seed=14), rois=rois)
    result = content(path, "shen2019")
    assert (result.stimuli, result.rows.shape) == (sorted(names), (50, 24))
    write_original(path, ids, presentation(49, 24, seed=14), rois=rois)
    refused(path, "49 different values .* where 50 different ones are expected", name="shen2019")
    write_original(path, ids, presentation(50, 23, seed=14), rois=rois)
    refused(path, "expected every stimulus 24 times", name="shen2019")


@pytest.mark.parametrize(("wrong", "match"), [(4.0, r"values \[1.0, 2.0, 3.0, 4.0\] of DataType"), (None, "0 columns")])
def test_data_types_that_are_not_the_three_are_refused(tmp_path, wrong, match):
    shown = presentation(4, 3, seed=15)
    types = np.repeat([1.0, 2.0, 3.0], 4)
    types[-1] = wrong or 3.0
    labels = [(("DataType" if wrong else "Type",), types), (("stimulus_id",), np.array(image_table("test")[1])[shown])]
    write_samples(tmp_path / "Subject1.h5", 12, labels)
    refused(tmp_path / "Subject1.h5", match, name=HORIKAWA)


@pytest.mark.parametrize(
    "file",
    ["sub-01_perceptionNaturalImageTest_VC_v3.h5", "sub-01_ImageNetTest.h5", "sub-01_perceptionLetterImage_new.h5"],
)
def test_a_release_that_is_not_known_is_refused_by_its_name(tmp_path, file):
    with pytest.raises(BadFileError, match=rf"{file}.*expected _original_VC, _VC_v2 or _fmriprep_volume_native"):
        find_sources([tmp_path / file], SHEN)


def test_files_of_no_split_are_left_alone(tmp_path):
    names = ["sub-01_imagery_original_VC.h5", "Subject1.h5", "ImageFeatures.h5", "sub-01_ImageNetTest.mat", "x.h5"]
    assert find_sources([tmp_path / name for name in names], SHEN) == ([], [])


@pytest.mark.parametrize(
    ("file", "split", "generation"),
    [
        ("sub-02_perceptionNaturalImageTraining_original_VC.h5", "training", "original"),
        ("sub-02_perceptionNaturalImageTest_VC_v2.h5", "test", "v2"),
        ("sub-02_ImageNetTraining_fmriprep_volume_native.h5", "training", "fmriprep"),
        ("sub-02_perceptionArtificialImage_original_VC.h5", "shapes", "original"),
        ("sub-02_ArtificialShapes_fmriprep_volume_native.h5", "shapes", "fmriprep"),
        ("sub-02_ArtificialImage_fmriprep_volume_native.h5", "shapes", "fmriprep"),
        ("sub-02_perceptionLetterImage_VC_v2.h5", "letters", "v2"),
        ("sub-02_LetterImage_fmriprep_volume_native.h5", "letters", "fmriprep"),
        ("sub-02_AlphabetLetters_fmriprep_volume_native.h5", "letters", "fmriprep"),
    ],
)
def test_names_of_files_tell_split_and_release(tmp_path, file, split, generation):
    ((source,), _) = find_sources([tmp_path / file], SHEN)
    assert (source.subject, source.splits, source.generation.name) == ("sub-02", (split,), generation)


def test_regions_have_one_name_in_all_releases(tmp_path):
    shown = presentation(4, 2, seed=16)
    path = tmp_path / "sub-01_ImageNetTest_fmriprep_volume_native.h5"
    write_fmriprep(path, image_table("test")[2], shown)
    result = content(path)
    assert list(result.rois) == ["V1", "V2", "V3", "V4", "LOC", "VC"]
    assert {roi: len(columns) for roi, columns in result.rois.items()} == VOXELS | {"VC": sum(VOXELS.values())}
    assert (result.without, result.vc_marked) == ((), True)


def test_the_visual_cortex_is_the_union_of_the_regions_where_it_is_not_marked(tmp_path):
    write_original(path := tmp_path / f"{NATURAL}_original_VC.h5", image_table("test")[1], presentation(4, 2, 1))
    marked = content(path)
    write_original(path, image_table("test")[1], presentation(4, 2, 1), marked_vc=False)
    union = content(path)
    assert (marked.vc_marked, union.vc_marked) == (True, False)
    np.testing.assert_array_equal(union.rois["VC"], marked.rois["VC"])


def test_a_file_without_regions_is_refused(tmp_path):
    path = tmp_path / f"{NATURAL}_original_VC.h5"
    write_original(path, image_table("test")[1], presentation(4, 2, 1), rois={"V9": 3}, marked_vc=False)
    refused(path, "expected regions such as ROI_V1")


def test_two_names_of_v4_that_differ_are_refused(tmp_path):
    path = tmp_path / f"{NATURAL}_original_VC.h5"
    write_original(path, image_table("test")[1], presentation(4, 2, 1), rois=VOXELS | {"hV4": 3})
    refused(path, "ROI_V4 and ROI_hV4")


def test_arranging_refuses_what_is_not_as_often_as_expected(tmp_path):
    with pytest.raises(BadFileError, match="every stimulus 3 times"):
        arrange(["a", "b", "a", "b"], np.arange(4), tmp_path, 3)


@pytest.mark.parametrize("name", ["shen", "sim-shen2019/..", "sim-things", "Shen2019", ""])
def test_names_of_other_sets_are_refused(name):
    with pytest.raises(BadInputError, match="expected shen2019 or horikawa2017"):
        data_set(name)
