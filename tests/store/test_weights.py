import json
import os
from datetime import UTC, datetime

import pytest
import torch

from brainscore_realnet.errors import BadFileError, BadInputError, MissingWeightsError
from brainscore_realnet.store import sha256_file, weights


@pytest.fixture
def state():
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(4, 6, generator=generator)
    return {
        "tied_a": matrix,
        "tied_b": matrix,
        "not_contiguous": matrix.t(),
        "half": torch.randn(3, generator=generator).half(),
        "count": torch.tensor(7),
        "parameter": torch.nn.Parameter(torch.ones(2)),
    }


def test_weights_and_card_come_back_as_they_were_saved(state, store_home):
    before = datetime.now(UTC)
    path = weights.save("realnet-eeg-sub01", state, {"recipe": {"beta": 100}, "identifier": "ignored"})
    loaded, card = weights.load("realnet-eeg-sub01")
    assert loaded.keys() == state.keys()
    for key, value in state.items():
        assert loaded[key].dtype == value.dtype
        assert torch.equal(loaded[key], value)
    assert path == store_home / "weights" / f"{sha256_file(path)[:16]}.safetensors"
    assert card["identifier"] == "realnet-eeg-sub01"
    assert card["recipe"] == {"beta": 100}
    assert card["weights_file"] == path.name
    assert card["weights_sha256"] == sha256_file(path)
    assert card["bytes"] == path.stat().st_size
    assert card["format_version"] == 1
    created = datetime.fromisoformat(card["created"])
    assert created.utcoffset().total_seconds() == 0
    assert abs((created - before).total_seconds()) < 60


def test_equal_weights_are_stored_once_and_other_weights_elsewhere(state, store_home):
    first = weights.save("a", state, {})
    second = weights.save("b", dict(state), {})
    third = weights.save("b", state | {"count": torch.tensor(8)}, {})
    assert first == second != third
    assert weights.load("a")[0]["count"] == 7
    assert weights.load("b")[0]["count"] == 8
    assert weights.identifiers() == ["a", "b"]


def test_without_a_card_there_are_no_weights_and_the_known_ones_are_named(state):
    assert weights.find_card("absent") is None
    assert weights.identifiers() == []
    weights.save("present", state, {})
    with pytest.raises(MissingWeightsError, match=r"'absent'.*one of: present"):
        weights.load("absent")


@pytest.mark.parametrize("identifier", ["", "a/b", "..", ".hidden", "a b", "a\n", "β"])
def test_identifiers_that_are_no_file_names_are_refused(state, identifier):
    for use in (lambda: weights.save(identifier, state, {}), lambda: weights.find_card(identifier)):
        with pytest.raises(BadInputError, match="identifier"):
            use()


def test_only_tensors_can_be_saved(state):
    with pytest.raises(BadInputError, match="'epoch'"):
        weights.save("a", state | {"epoch": 3}, {})


def test_changed_bytes_are_noticed_even_in_a_process_that_verified_them(state):
    path = weights.save("a", state, {})
    weights.load("a")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(1, 1))
    with pytest.raises(BadFileError, match=path.name):
        weights.load("a")


def test_verification_happens_once_for_an_untouched_file(state, monkeypatch):
    weights.save("a", state, {})
    calls = []
    monkeypatch.setattr(weights, "sha256_file", lambda path: calls.append(path) or sha256_file(path))
    weights.load("a")
    weights.load("a")
    assert len(calls) == 1


def test_a_missing_weights_file_is_named(state):
    path = weights.save("a", state, {})
    path.unlink()
    with pytest.raises(BadFileError, match=path.name):
        weights.load("a")


@pytest.mark.parametrize(
    "change",
    [
        {"weights_sha256": None},
        {"format_version": 99},
        {"identifier": "other"},
        {"weights_file": "../../outside.safetensors"},
    ],
)
def test_a_broken_card_is_named(state, store_home, change):
    weights.save("a", state, {})
    path = store_home / "weights" / "cards" / "a.json"
    card = json.loads(path.read_text()) | change
    path.write_text(json.dumps({key: value for key, value in card.items() if value is not None}))
    for use in (lambda: weights.find_card("a"), lambda: weights.load("a")):
        with pytest.raises(BadFileError, match=r"a\.json"):
            use()


@pytest.mark.parametrize("text", ["", "[1]", "{"])
def test_a_card_that_is_no_json_object_is_named(state, store_home, text):
    weights.save("a", state, {})
    (store_home / "weights" / "cards" / "a.json").write_text(text)
    with pytest.raises(BadFileError, match=r"a\.json"):
        weights.find_card("a")
