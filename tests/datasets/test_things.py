import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

from brainscore_realnet.datasets.things import concept_rows, read_item_names, read_spose, unique_id
from brainscore_realnet.datasets.things_eeg2 import read_image_metadata
from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError

DATA = Path(__file__).parents[1] / "data"
ITEM_NAMES = DATA / "things" / "item_names.tsv"
SPOSE = DATA / "things" / "spose_embedding_49d_sorted.txt.gz"


@pytest.fixture(scope="module")
def spose():
    return read_spose(SPOSE)


@pytest.fixture(scope="module")
def test_images():
    return read_image_metadata(DATA / "eeg2" / "image_metadata.npy")["test"]


def test_the_table_names_1854_concepts_in_its_own_order():
    names = read_item_names(ITEM_NAMES)
    assert len(names) == len(set(names)) == 1854
    assert names[:2] == ["aardvark", "abacus"]
    assert sum(name != plain for name, plain in zip(names, sorted(names), strict=True)) == 20


def test_the_embedding_has_49_dimensions_with_68_tiny_negatives(spose):
    assert spose.shape == (1854, 49)
    assert spose.dtype == np.float64
    assert (spose < 0).sum() == 68
    assert spose.min() == pytest.approx(-0.0013, abs=5e-5)
    assert spose[0, 0] == 0.0234450157731771469116


def test_a_plain_text_embedding_reads_as_the_compressed_one(spose, tmp_path):
    np.savetxt(tmp_path / "spose.txt", spose, fmt="%.22f")
    np.testing.assert_array_equal(read_spose(tmp_path / "spose.txt"), spose)


def test_the_join_equals_the_published_table_of_the_200_test_images(test_images):
    with open(DATA / "eeg2" / "things_eeg2_test200.tsv", newline="") as file:
        table = list(csv.DictReader(file, delimiter="\t"))
    assert list(test_images.unique_ids) == [row["uniqueID"] for row in table]
    rows = concept_rows(test_images.unique_ids, read_item_names(ITEM_NAMES))
    assert rows.tolist() == [int(row["spose_row0"]) for row in table]


def test_clip_features_correlate_with_spose_as_published_when_joined_by_name_and_less_by_number(spose, test_images):
    features = np.load(DATA / "eeg2" / "nice_clip_feature_maps_test.npy").astype(np.float64)[:, 0]
    model = pdist(features, "correlation")
    by_name = concept_rows(test_images.unique_ids, read_item_names(ITEM_NAMES))
    by_number = np.array([int(concept.split("_")[0]) - 1 for concept in test_images.concepts_THINGS])
    assert (by_name != by_number).sum() == 3
    assert round(spearmanr(model, pdist(spose[by_name], "correlation")).statistic, 5) == 0.40232
    assert round(spearmanr(model, pdist(spose[by_number], "correlation")).statistic, 5) == 0.39865


@given(st.integers(0, 10**6), st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1))
def test_unique_id_is_what_follows_the_number(number, name):
    assert unique_id(f"{number:05d}_{name}") == name


@pytest.mark.parametrize("name", ["aardvark", "00001", "00001_", "_aardvark", ""])
def test_a_folder_without_number_or_name_is_refused(name):
    with pytest.raises(BadInputError, match="aircraft_carrier"):
        unique_id(name)


@given(st.permutations(["a", "b", "c", "d"]), st.lists(st.sampled_from("abcd")))
def test_rows_point_to_their_names_in_any_order_of_the_table(table, wanted):
    rows = concept_rows(wanted, table)
    assert rows.dtype == np.int64
    assert [table[row] for row in rows] == wanted


def test_unknown_concepts_are_named_and_counted():
    with pytest.raises(BadInputError, match=r"2 concepts.*chimera, unicorn"):
        concept_rows(["a", "unicorn", "chimera", "unicorn"], ["a", "b"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Word\tID\na\tb\n", "column uniqueID"),
        ("uniqueID\na\na\n", "2 rows with 1"),
        ("x\tuniqueID\na\t\n", "1 rows with 0"),
    ],
)
def test_a_wrong_table_is_a_bad_file(tmp_path, text, message):
    (tmp_path / "names.tsv").write_text(text)
    with pytest.raises(BadFileError, match=message):
        read_item_names(tmp_path / "names.tsv")


def test_a_binary_file_is_no_table():
    with pytest.raises(BadFileError, match=r"spose.*no text table"):
        read_item_names(SPOSE)


@pytest.mark.parametrize("content", [b"1 2 3\n4 5 6\n", b"1 2\n3\n", b"<html>", b"nan " * 49])
def test_a_wrong_embedding_is_a_bad_file(tmp_path, content):
    (tmp_path / "spose.txt").write_bytes(content)
    with pytest.raises(BadFileError, match="1854"):
        read_spose(tmp_path / "spose.txt")


def test_nan_in_the_embedding_is_a_bad_file(spose, tmp_path):
    broken = spose.copy()
    broken[3, 4] = np.nan
    np.savetxt(tmp_path / "spose.txt", broken, fmt="%.3f")
    with pytest.raises(BadFileError, match="1 values"):
        read_spose(tmp_path / "spose.txt")


def test_a_truncated_archive_is_a_bad_file(tmp_path):
    (tmp_path / "spose.txt.gz").write_bytes(SPOSE.read_bytes()[:5000])
    with pytest.raises(BadFileError):
        read_spose(tmp_path / "spose.txt.gz")


@pytest.mark.parametrize("read", [read_item_names, read_spose])
def test_absent_files_are_named(tmp_path, read):
    with pytest.raises(MissingDataError, match=r"absent\.txt"):
        read(tmp_path / "absent.txt")
