import subprocess
import sys
from pathlib import Path

import pytest

from brainscore_realnet import enable
from brainscore_realnet.errors import UnknownIdentifierError
from brainscore_realnet.scoring.enable import PACKAGE, PLUGIN_TYPES
from brainscore_realnet.scoring.identifiers import (
    FOLDER_OF,
    package_identifiers,
    require_identifier,
    upstream_identifiers,
)


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_the_package_and_its_command_line_imports_neither_torch_nor_brainscore():
    heavy = "[name for name in ('torch', 'brainscore_vision', 'xarray', 'numba', 'pandas') if name in sys.modules]"
    assert run_python(f"import sys, brainscore_realnet, brainscore_realnet.cli; print({heavy})").strip() == "[]"


def test_enable_twice_changes_nothing_more():
    enable()
    import brainscore_vision.models
    from brainscore_core.plugin_management.import_plugin import ImportPlugin

    finder, paths = ImportPlugin.locate_plugin, list(brainscore_vision.models.__path__)
    enable()
    assert ImportPlugin.locate_plugin is finder
    assert list(brainscore_vision.models.__path__) == paths


def test_stock_loaders_find_ours_only_after_enable_and_import_plugins_under_one_name():
    output = run_python(
        "import sys, brainscore_vision\n"
        "try:\n    brainscore_vision.load_model('sim-hidden')\n"
        "except AssertionError as error:\n    print('before:', error)\n"
        "import brainscore_realnet; brainscore_realnet.enable()\n"
        "print('after:', brainscore_vision.load_model('sim-hidden').identifier)\n"
        "print('names:', sorted(name for name in sys.modules if name.endswith('models.simulated')))\n"
    )
    assert "before: No registrations found for sim-hidden" in output
    assert "after: sim-hidden" in output
    assert "names: ['brainscore_vision.models.simulated']" in output


def test_upstream_plugins_are_still_found_in_their_own_folders():
    enable()
    from brainscore_core.plugin_management.import_plugin import ImportPlugin

    importer = ImportPlugin("brainscore_vision", "models", "alexnet")
    assert importer.plugin_dirname == "alexnet"
    assert importer.plugins_dir.parent.name == "brainscore_vision"


def test_unknown_plugins_fail_upstream_as_they_did_before():
    enable()
    from brainscore_core.plugin_management.import_plugin import ImportPlugin

    with pytest.raises(AssertionError, match="No registrations found for nothing-of-this-name"):
        ImportPlugin("brainscore_vision", "models", "nothing-of-this-name")


@pytest.mark.parametrize("kind", FOLDER_OF)
def test_no_identifier_of_ours_shadows_an_upstream_one_or_is_registered_twice(kind):
    ours = package_identifiers(kind)
    assert len(ours) == len(set(ours)) > 0
    assert not set(ours) & set(upstream_identifiers(kind))


@pytest.mark.parametrize("plugin_type", PLUGIN_TYPES)
def test_no_plugin_folder_of_ours_has_the_name_of_an_upstream_one(plugin_type):
    import brainscore_vision

    upstream = plugin_folders(Path(brainscore_vision.__file__).parent / plugin_type)
    ours = plugin_folders(PACKAGE / plugin_type)
    assert ours
    assert not ours & upstream


def plugin_folders(root: Path) -> set[str]:
    return {path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("_")}


def test_pip_is_not_run_silently_unless_the_user_says_so():
    code = "import os; {}\nimport brainscore_realnet as r; r.enable(); print(os.environ['BS_INSTALL_DEPENDENCIES'])"
    assert run_python(code.format("")).strip() == "no"
    assert run_python(code.format("os.environ['BS_INSTALL_DEPENDENCIES'] = 'yes'")).strip() == "yes"


def test_result_cache_is_pointed_at_the_store_unless_the_user_chose_one():
    code = (
        "import os; {}\nimport brainscore_realnet; brainscore_realnet.enable(); print(os.environ['RESULTCACHING_HOME'])"
    )
    chosen = run_python(code.format("os.environ['RESULTCACHING_HOME'] = '/elsewhere'")).strip()
    ours = run_python(code.format("os.environ.pop('RESULTCACHING_HOME', None)")).strip()
    assert chosen == "/elsewhere"
    assert ours.endswith("/store/cache")


@pytest.mark.parametrize(
    ("kind", "wrong", "meant"),
    [
        ("model", "realnet-eeg-sub1", "realnet-eeg-sub01"),
        ("model", "Realnet-EEG-sub01", "realnet-eeg-sub01"),
        ("benchmark", "ThingsEEG-rsa", "ThingsEEG2-rsa"),
        ("stimulus_set", "ThingsEEG2-test", "ThingsEEG2_test"),
    ],
)
def test_unknown_identifier_names_the_nearest(kind, wrong, meant):
    with pytest.raises(UnknownIdentifierError, match=f"(?s){wrong}.*Did you mean.*{meant}"):
        require_identifier(kind, wrong)


def test_upstream_identifiers_are_known():
    require_identifier("model", "alexnet")
    require_identifier("benchmark", "MajajHong2015public.IT-pls")
