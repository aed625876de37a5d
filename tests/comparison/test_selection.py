import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from brainscore_realnet.comparison import selection
from brainscore_realnet.comparison.selection import expand
from brainscore_realnet.errors import BadInputError, UnknownIdentifierError
from brainscore_realnet.store import weights


@pytest.fixture
def registered(monkeypatch):
    """Have other identifiers registered: those of this package and those of Brain-Score."""

    def register(ours, upstream=()):
        monkeypatch.setattr(selection, "package_identifiers", lambda kind: list(ours))
        monkeypatch.setattr(selection, "upstream_identifiers", lambda kind: list(upstream))

    return register


def test_plain_identifiers_of_this_package_and_of_brainscore_stay_as_they_are():
    assert expand(["cornet-s", "alexnet", "cornet-s"], "model") == ("cornet-s", "alexnet")
    assert expand(["ThingsEEG2-rsa"], "benchmark") == ("ThingsEEG2-rsa",)
    assert expand([], "model") == ()


def test_a_range_stands_for_its_numbers_with_their_zeros():
    ten = tuple(f"realnet-eeg-sub{number:02d}" for number in range(1, 11))
    assert expand(["realnet-eeg-sub01..10"], "model") == ten
    assert expand(["realnet-eeg-sub09..10-beta10"], "model") == ("realnet-eeg-sub09-beta10", "realnet-eeg-sub10-beta10")
    assert expand(["Shen2019.sub01..03-rsa"], "benchmark") == tuple(f"Shen2019.sub0{k}-rsa" for k in (1, 2, 3))


def test_several_ranges_and_wildcards_in_one_pattern_are_combined(registered):
    registered([f"net-{a}-b{b}" for a in ("01", "02") for b in (1, 2, 10)])
    assert expand(["net-01..02-b1..2"], "model") == ("net-01-b1", "net-01-b2", "net-02-b1", "net-02-b2")
    assert expand(["net-02..02-b*"], "model") == ("net-02-b1", "net-02-b2", "net-02-b10")


@given(
    first=st.integers(0, 120),
    length=st.integers(0, 8),
    width=st.integers(1, 4),
    other=st.lists(st.integers(0, 3), min_size=2, max_size=2),
)
def test_ranges_equal_nested_loops(first, length, width, other):
    low, high = sorted(other)
    pattern = f"a{first:0{width}d}..{first + length}-b{low}..{high}c"
    expected = []
    for a in range(first, first + length + 1):
        for b in range(low, high + 1):
            expected.append("a" + str(a).rjust(width, "0") + "-b" + str(b) + "c")
    assert selection._members(pattern) == expected


def test_wildcards_are_sorted_by_number_and_found_everywhere(registered):
    registered(["net-beta10", "net-beta2", "net", "other"], ["net-beta1000", "Net-beta3"])
    assert expand(["net-*"], "model") == ("net-beta2", "net-beta10", "net-beta1000")
    assert expand(["net-beta?"], "model") == ("net-beta2",)
    assert expand(["[No]*"], "model") == ("Net-beta3", "other")
    assert expand(["oth*", "*"], "model")[0] == "other"
    assert set(expand(["*"], "model")) == {"net-beta10", "net-beta2", "net", "other", "net-beta1000", "Net-beta3"}


def test_twins_of_trained_models_come_with_wildcards_only_when_asked_for(own_store):
    for name in ("sim-mine-sub01", "sim-mine-sub01-best", "sim-lonely-best"):
        weights.save(name, {"weight": torch.zeros(1)}, {})
    assert expand(["sim-mine*"], "model") == ("sim-mine-sub01",)
    assert expand(["sim-mine*-best"], "model") == ("sim-mine-sub01-best",)
    assert expand(["sim-mine-sub01-best"], "model") == ("sim-mine-sub01-best",)
    assert expand(["sim-mine-sub01..01-best"], "model") == ("sim-mine-sub01-best",)
    assert "sim-lonely-best" in expand(["sim-*"], "model")


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        (
            "realnet-eeg-sub1..3",
            r"'realnet-eeg-sub1\.\.3', which matches no model.*realnet-eeg-sub1[^.]*brainscore list",
        ),
        ("realnet-eeg-sub09..12", r"2 of 4 are missing: realnet-eeg-sub11, realnet-eeg-sub12\..*Did you mean"),
        ("realnet-egg-*", r"'realnet-egg-\*', which matches no model.*`brainscore list models`"),
        ("cornet-z", "Did you mean cornet-s"),
        ("", "No model is registered as ''"),
    ],
)
def test_patterns_that_match_nothing_are_told_with_the_nearest(pattern, told):
    with pytest.raises(UnknownIdentifierError, match=told):
        expand(["cornet-s", pattern], "model")


def test_a_long_list_of_missing_members_is_cut():
    with pytest.raises(UnknownIdentifierError, match=r"90 of 99 are missing: (realnet-eeg-sub\d\d(, )?){10} …") as told:
        expand(["realnet-eeg-sub02..100"], "model")
    assert "sub21" not in str(told.value)


def test_ranges_that_run_backwards_or_too_far_are_refused():
    with pytest.raises(BadInputError, match=r"range 10\.\.01 in 'realnet-eeg-sub10\.\.01'.*smaller number first"):
        expand(["realnet-eeg-sub10..01"], "model")
    with pytest.raises(BadInputError, match="stands for 10000000000 identifiers"):
        expand(["a1..100000-b1..100000"], "model")


def test_a_model_card_that_hides_behind_a_model_of_brainscore_is_refused(own_store):
    weights.save("alexnet", {"weight": torch.zeros(1)}, {})
    for pattern in ("alexnet", "alexne[t]"):
        with pytest.raises(UnknownIdentifierError, match="Save your model under another identifier"):
            expand([pattern], "model")


def test_whatever_a_wildcard_gives_is_registered_and_given_once():
    found = expand(["realnet-*", "realnet-eeg-sub01..10", "cornet*"], "model")
    assert len(set(found)) == len(found) > 70
    pairs = itertools.pairwise(found)
    assert all(expand(pair, "model") == pair for pair in itertools.islice(pairs, 5))
