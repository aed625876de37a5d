"""Metadata that are given with --metadata: what is taken, what is refused, what stays told."""

import json

import pytest
from brainscore_core.metadata.contract import validate

from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError
from brainscore_realnet.submission.exporting.metadata import SIMULATED
from brainscore_realnet.submission.exporting.metadata_given import given_metadata, with_given

KNOWN = {
    "model": {"display_name": "Mine", "parameter_count": 7, "supervision": {"type": "supervised"}},
    "provenance": {"checkpoint": "mine.safetensors (sha256:1)"},
    "use": {"limitations": ["known"]},
    "sources": {"code": {"kind": "other", "citation": "code"}},
    "assertions": [{"path": "/model", "status": "verified", "sources": ["code"]}],
    "legacy": {"total_layers": 3, "extra_notes": None},
}


def read(tmp_path, text, identifiers=("mine",)):
    path = tmp_path / "about.yaml"
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    return given_metadata(path, identifiers)


def merged(given, simulated=False):
    found = with_given("mine", KNOWN, given, simulated=simulated)
    validate({"schema_version": "2.0", "domain": "vision", "models": {"mine": found}}, "vision")
    return found


def test_what_is_given_is_merged_deeply_over_what_is_known(tmp_path):
    text = """
models:
  mine:
    people: {creators: [A. Author]}
    legal: {license: MIT}
    model: {supervision: {type: self_supervised}, version: null, display_name: null}
    use: {limitations: [other]}
    sources: {page: {kind: other, url: "https://example.org"}}
    assertions: [{path: /legal/license, status: probable, sources: [page, code]}]
    legacy: {extra_notes: a note, total_layers: 3}
"""
    (given,) = read(tmp_path, text).values()
    found = merged(given)
    assert found["people"] == {"creators": ["A. Author"]}
    assert found["model"] == KNOWN["model"] | {"supervision": {"type": "self_supervised"}, "version": None}
    assert found["use"] == {"limitations": ["other"]}
    assert set(found["sources"]) == {"code", "page"}
    assert found["legacy"] == {"total_layers": 3, "extra_notes": "a note"}
    assert {one["path"]: (one["status"], one["sources"]) for one in found["assertions"]} == {
        "/model": ("verified", ["code"]),
        "/model/supervision/type": ("probable", []),  # what code verified is no more there
        "/people/creators": ("probable", []),
        "/use/limitations": ("probable", []),
        "/legal/license": ("probable", ["page", "code"]),
    }


def test_json_is_taken_as_well(tmp_path):
    document = {"schema_version": "2.0", "domain": "vision", "models": {"mine": {"legal": {"license": "MIT"}}}}
    assert read(tmp_path, document) == document["models"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", r"about\.yaml, which Brain-Score would not take \(Invalid YAML\)"),
        ("[]", r"would not take \(no mapping\)"),
        ("models: {}", r"between 1 and 100 entries"),
        ("models: {mine: 1}", r"mine: expected a mapping with known keys"),
        ("models: {mine: {licence: MIT}}", r"mine: expected a mapping with known keys"),
        ("models: {mine: {legal: {licence: MIT}}}", r"/legal/licence: unknown field"),
        ("models: {mine: {assertions: [1]}}", r"assertion: expected a mapping"),
        ("models: {mine: {sources: 1, assertions: [{sources: [a]}]}}", r"sources must be a mapping"),
        ("models: {mine: {}, other: {}}", r"Got other in .*about\.yaml, which is not exported: expected some of mine"),
    ],
)
def test_files_that_brain_score_would_not_take_are_named(tmp_path, text, told):
    with pytest.raises(BadFileError, match=told):
        read(tmp_path, text)


def test_missing_files_are_told(tmp_path):
    with pytest.raises(MissingDataError, match=r"Got no file at .*none\.yaml"):
        given_metadata(tmp_path / "none.yaml", ["mine"])
    with pytest.raises(BadFileError, match=r"Is a directory"):
        given_metadata(tmp_path, ["mine"])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"model": {"parameter_count": 8}}, r"Got 8 for /model/parameter_count of mine .*expected 7, as counted"),
        ({"provenance": {"checkpoint": "other"}}, r"for /provenance/checkpoint of mine"),
        ({"legacy": {"total_layers": 4}}, r"for /legacy of mine"),
        (
            {"assertions": [{"path": "/legal/license", "status": "probable", "sources": ["gone"]}]},
            r"Assertion source references must exist.*of the export \(code\)",
        ),
    ],
)
def test_what_code_counts_and_sources_that_are_not_there_are_refused(given, told):
    with pytest.raises(BadInputError, match=told):
        merged(given)


def test_simulated_stays_told():
    found = merged({"use": {"limitations": ["none"]}, "model": {"display_name": "Real"}}, simulated=True)
    assert found["use"]["limitations"] == ["none", SIMULATED]
    assert found["model"]["display_name"] == "Real (simulated)"
