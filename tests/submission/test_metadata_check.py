import pytest
from broken_plugins import (
    MODEL,
    adding,
    good_benchmark_plugin,
    good_data_plugin,
    good_model_plugin,
    removing,
    replacing,
)

from brainscore_realnet.submission.checking import metadata
from brainscore_realnet.submission.checking.metadata import check_metadata
from brainscore_realnet.submission.checking.naming import library
from brainscore_realnet.submission.checking.reading import opened


@pytest.fixture
def plugin(tmp_path):
    return good_model_plugin(tmp_path)


def judged(plugin):
    read = opened(plugin)
    return check_metadata(read.submission.plugins[0], read)


def test_good_metadata_pass(plugin, tmp_path):
    assert judged(plugin).found == "metadata.yaml, schema 2.0, 1 identifier: sim-tiny-cnn"
    assert judged(good_benchmark_plugin(tmp_path)).status == "pass"


def test_data_need_no_metadata(tmp_path):
    assert judged(good_data_plugin(tmp_path)) is None


def test_missing_metadata_are_noted(plugin):
    removing("metadata.yaml")(plugin)
    one = judged(plugin)
    assert (one.status, one.found) == ("note", "there is no metadata.yaml")
    assert "pull request of its own" in one.advice


def test_models_without_computed_values_are_noted(plugin):
    text = (plugin / "metadata.yaml").read_text()
    start, end = text.index("    legacy:"), text.index("    sources:")
    (plugin / "metadata.yaml").write_text(text[:start] + text[end:])
    one = judged(plugin)
    assert (one.status, one.found) == ("note", "sim-tiny-cnn without `legacy`")


def test_unlisted_vocabulary_is_noted_with_what_is_listed(plugin):
    replacing("metadata.yaml", "    legacy:", "    legal: {license: GNU GPL 3.0+}\n    legacy:")(plugin)
    one = judged(plugin)
    assert one.status == "note"
    assert "'GNU GPL 3.0+' is not an SPDX ID from the list; use 'GPL-3.0-or-later'" in one.found


def test_core_judges_in_a_process_of_its_own_whose_status_counts(plugin, monkeypatch):
    replacing("metadata.yaml", "domain: vision", "domain: language")(plugin)
    assert judged(plugin).found == "metadata.yaml: Document domain does not match its repository"
    monkeypatch.setattr(metadata, "_OWN_MAIN", "raise SystemExit(0)")
    assert judged(plugin).status == "pass"


def test_a_validation_that_does_not_end_fails(plugin, monkeypatch):
    monkeypatch.setattr(metadata, "_OWN_MAIN", "import time; time.sleep(60)")
    monkeypatch.setattr(metadata, "_SECONDS", 0.1)
    assert "did not end" in judged(plugin).found


@pytest.mark.parametrize("version", ["2", "2.0", "'2.1'", "null"])
def test_other_versions_of_the_schema_fail(plugin, version):
    replacing("metadata.yaml", "schema_version: '2.0'", f"schema_version: {version}")(plugin)
    assert judged(plugin).status == "fail"


def test_old_metadata_of_a_model_pass(plugin):
    removing("metadata.yaml")(plugin)
    adding("metadata.yml", f"models:\n  {MODEL}:\n    architecture: DCNN\n")(plugin)
    assert judged(plugin).found == "metadata.yml, older schema, 1 identifier: sim-tiny-cnn"


def test_a_model_that_lacks_in_the_metadata_fails(plugin):
    adding("__init__.py", 'model_registry["sim-second"] = lambda: get_model("sim-second")\n')(plugin)
    assert judged(plugin).found == "no entry for sim-second"


def test_metadata_of_another_type_fail(plugin):
    removing("metadata.yaml")(plugin)
    adding("metadata.yml", f"benchmarks:\n  {MODEL}: {{}}\n")(plugin)
    assert "metadata.yml tells of benchmarks" in judged(plugin).found


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"- 1\n",
        b"\xff\xfe",
        b"models: 3\n",
        b"models:\n  1: {}\n",
        b"benchmarks:\n  x: {data: {1: 2}}\n",
        b"a: &b 1\n",
    ],
)
def test_metadata_of_any_content_fail_without_breaking(plugin, content):
    (plugin / "metadata.yaml").write_bytes(content)
    one = judged(plugin)
    assert (one.status, bool(one.advice)) == ("fail", True)


@pytest.mark.parametrize("name", ["ReAlnet", "cornet_s", "pixels"])
def test_metadata_in_the_library_do_not_fail(name):
    assert judged(library() / "models" / name).status in ("pass", "note")
