import re

import pytest
from broken_plugins import adding, good_model_plugin, replacing
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from brainscore_realnet.submission.checking.imports import check_imports, check_paths
from brainscore_realnet.submission.checking.reading import opened
from brainscore_realnet.submission.checking.requirements import can_both_hold, check_requirements


@pytest.fixture
def plugin(tmp_path):
    return good_model_plugin(tmp_path)


def judged(check, plugin):
    read = opened(plugin)
    return check(read.submission.plugins[0], read)


def requiring(plugin, text):
    (plugin / "requirements.txt").write_text(text)
    return judged(check_requirements, plugin)


def importing(plugin, text, file="model.py"):
    adding(file, text)(plugin)
    return judged(check_imports, plugin)


ALLOWED = [
    "",
    "# a comment\n\ntorch  # and another\n",
    "numpy<2\nNumPy>=1.24\nnumpy==1.26.*\nxarray~=2022.3.0\n",
    "scikit-learn>=1.3\nscikit_learn<1.5.9\n",
    "numpy>=2; python_version < '3.0'\n",
    "torch \\\n  >=2.0\n",
    "\ufefftorch\n",
]


@pytest.mark.parametrize("text", ALLOWED)
def test_requirements_that_fit_beside_brainscore_pass(plugin, text):
    one = requiring(plugin, text)
    assert one.status == "pass", one


FAILING = {
    "numpy>=2.0.1": "numpy<2",
    "numpy==2.*": "numpy<2",
    "numpy~=2.1": "numpy<2",
    "numpy<1.20": r"numpy.*>=1.21",
    "pandas>=3": "pandas<3",
    "torch<2.6": "torch>=2.6",
    "xarray>2022.6": "xarray<2022.6",
    "pytorch_lightning==2.6.3": "malicious",
    "Brainscore_RealNet": "is asked for",
    "not a requirement": "cannot be read",
    "-r other.txt": r"other\.txt is no other file of the plugin",
    "--requirement requirements.txt": r"requirements\.txt is no other file",
}


@pytest.mark.parametrize("text", FAILING)
def test_requirements_that_do_not_fit_fail(plugin, text):
    one = requiring(plugin, f"{text}\n")
    assert one.status == "fail"
    assert re.search(FAILING[text], one.found), one
    assert one.advice


NOTED = {
    "git+https://github.com/dicarlolab/CORnet.git": "cannot be judged here",
    "CORnet @ git+https://github.com/dicarlolab/CORnet.git": "CORnet is not installed here",
    "sim-unheard-of": "sim-unheard-of is not installed here",
    "--extra-index-url https://example.org": "is an option",
    "-r https://example.org/other.txt": "is an option",
    "tqdm==1.0": "is asked for",
}


@pytest.mark.parametrize("text", NOTED)
def test_requirements_that_cannot_be_judged_are_noted(plugin, text):
    one = requiring(plugin, f"{text}\n")
    assert (one.status, NOTED[text] in one.found) == ("note", True), one


@pytest.mark.parametrize("option", ["-r more/other.txt", "-rmore/other.txt", "--requirement=./more/other.txt  # all"])
def test_what_another_file_of_the_plugin_asks_for_is_judged_as_well(plugin, option):
    adding("more/other.txt", "-r third.txt\ntorch\n")(plugin)
    adding("more/third.txt", "sim-unheard-of\n")(plugin)
    assert "sim-unheard-of is not installed here" in requiring(plugin, option).found
    assert importing(plugin, "import sim_unheard_of\n").status == "pass"
    adding("more/third.txt", "numpy>=2\n")(plugin)
    assert requiring(plugin, option).status == "fail"
    adding("more/third.txt", "-r other.txt\n")(plugin)
    assert "other.txt is no other file" in requiring(plugin, option).found


SETUPS = {
    "setup(install_requires=['numpy>=2'])": "fail",
    "needed = ('torch', 'brainio')\nsetup(install_requires=needed)": "fail",
    "needed = []\nsetup(name='x', install_requires=needed)": "pass",
    "setup(install_requires=['torch', 'numpy<2'])": "pass",
    "setup(install_requires=open('requirements.txt').read().split())": "note",
    "setup(install_requires=[1])": "note",
    "setup(**options)": "note",
    "setup(": "note",
}


@pytest.mark.parametrize("text", SETUPS)
def test_what_setup_asks_for_is_judged_where_it_can_be_read(plugin, text):
    adding("setup.py", text)(plugin)
    one = judged(check_requirements, plugin)
    assert one.status == SETUPS[text], one
    assert ("cannot be told from its text" in one.found) == (one.status == "note")


def test_what_setup_asks_for_may_be_imported(plugin):
    adding("setup.py", "setup(install_requires=['sim-unheard-of'])")(plugin)
    assert importing(plugin, "import sim_unheard_of\n").status == "pass"


VERSIONS = st.lists(st.integers(0, 30), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
SPECIFIERS = st.tuples(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), VERSIONS).map("".join)
SETS = st.lists(SPECIFIERS, max_size=3).map(lambda each: SpecifierSet(",".join(each)))


@settings(max_examples=200, deadline=None)
@given(SETS, SETS, VERSIONS)
def test_no_version_that_satisfies_both_is_overlooked(first, second, version):
    if first.contains(version) and second.contains(version):
        assert can_both_hold(first, second)


def test_sets_that_exclude_each_other_cannot_both_hold():
    for first, second in ((">=2", "<2"), ("==1.5", "!=1.5"), (">1.0,<1.4", ">=1.4"), ("==1.*", ">=2")):
        assert not can_both_hold(SpecifierSet(first), SpecifierSet(second))


PASSING = [
    "import os, json\nimport torch.nn as nn\nfrom PIL import Image\nimport yaml, cv2, sklearn, pytest\n",
    "from brainscore_core.supported_data_standards.brainio.s3 import load_weight_file\n",
    "try:\n    import sim_unheard_of\nexcept ImportError:\n    sim_unheard_of = None\n",
    "try:\n    from .network import x\nexcept ImportError:\n    from network import x\n",
    "try:\n    import os\nexcept (OSError, ModuleNotFoundError):\n    import a\nelse:\n    import b\n",
    "from contextlib import suppress\nwith suppress(ImportError):\n    import sim_unheard_of\n",
    "import typing\nif typing.TYPE_CHECKING:\n    from sim_unheard_of import x\n",
    "if __name__ == '__main__':\n    from brainscore_realnet import cli\n",
    "from . import model\nfrom .model import get_model\n",
]


@pytest.mark.parametrize("text", PASSING)
def test_imports_that_brainscore_brings_pass(plugin, text):
    one = importing(plugin, text)
    assert one.status == "pass", one


FOUND_ABSENT = [
    "try:\n    import os\nexcept KeyError:\n    import sim_unheard_of\n",
    "try:\n    import os\nexcept ImportError:\n    pass\nfinally:\n    import sim_unheard_of\n",
    "from contextlib import suppress\nwith suppress(KeyError):\n    import sim_unheard_of\n",
    "if TYPE_CHECKING:\n    pass\nelse:\n    import sim_unheard_of\n",
]


@pytest.mark.parametrize("text", FOUND_ABSENT)
def test_imports_that_are_made_and_fail_are_found(plugin, text):
    one = importing(plugin, text)
    assert (one.status, "sim_unheard_of comes neither" in one.found) == ("fail", True), one


def test_a_module_that_is_imported_if_it_can_be_is_judged_too(plugin):
    adding("network.py", "import sim_unheard_of\n")(plugin)
    one = importing(plugin, "try:\n    from .network import x\nexcept ImportError:\n    x = None\n")
    assert (one.status, "network.py, line 1" in one.found) == ("fail", True)


def test_imports_of_what_is_only_installed_here_are_noted(plugin):
    one = importing(plugin, "import hypothesis\n")
    assert one.status == "note"
    assert "hypothesis is installed here, but neither Brain-Score nor requirements.txt asks for it" in one.found


def test_what_requirements_name_may_be_imported(plugin):
    adding("requirements.txt", "hypothesis\nsim-unheard-of\n")(plugin)
    assert importing(plugin, "import hypothesis, sim_unheard_of\n").status == "pass"


def test_imports_that_an_unknown_distribution_may_bring_are_noted(plugin):
    adding("requirements.txt", "git+https://example.org/sim.git\n")(plugin)
    one = importing(plugin, "import sim_unheard_of\n")
    assert (one.status, "sim_unheard_of may come with what the plugin installs" in one.found) == ("note", True)


def test_own_modules_are_imported_relatively(plugin):
    adding("network.py", "x = 1\n")(plugin)
    one = importing(plugin, "import network\n")
    assert (one.status, "from .network import" in one.advice) == ("fail", True)


def test_own_modules_on_the_path_are_noted(plugin):
    adding("network.py", "x = 1\n")(plugin)
    one = importing(plugin, "import sys\nsys.path.append('x')\nimport network\n")
    assert one.status == "note"


def test_imports_in_subfolders_are_followed_and_other_files_are_not(plugin):
    adding("parts/__init__.py", "")(plugin)
    adding("parts/first.py", "from .second import x\nfrom ..model import BIBTEX\n")(plugin)
    adding("parts/second.py", "import sim_unheard_of\n")(plugin)
    adding("packaging/run.py", "import sim_never_run\n")(plugin)
    assert judged(check_imports, plugin).status == "pass"
    one = importing(plugin, "from .parts import first\n")
    assert one.status == "fail"
    assert "parts/second.py, line 1: sim_unheard_of" in one.found
    assert "sim_never_run" not in one.found


def test_paths_in_files_that_nothing_runs_are_noted(plugin):
    adding("packaging/run.py", 'PATH = "/Users/me/data"\n')(plugin)
    assert judged(check_paths, plugin).status == "note"
    replacing("model.py", "import functools", "import functools\nPATH = f'/home/me/{1}'")(plugin)
    assert judged(check_paths, plugin).status == "fail"


PATHS = [
    "/mnt/x",
    "/scratch/me/x",
    "/data/x",
    "/tmp/x.pt",
    "/etc/sim/x.safetensors",
    "~/x",
    "/root/x",
    "/net/x",
    "/n/x",
    "/gpfs/x",
    "D:/x",
    "D:\\x",
    "--weights /home/me/x",
]


@pytest.mark.parametrize("text", PATHS)
def test_paths_of_a_machine_are_found(plugin, text):
    adding("model.py", f"TEXT = {text!r}\n")(plugin)
    one = judged(check_paths, plugin)
    assert (one.status, repr(text) in one.found) == ("fail", True)


OTHERS = [
    "https://example.org/home/me",
    "home/me",
    "/homes/x",
    "a/home/me",
    "C: drive",
    "x:y\\z",
    "/data/",
    "/dataset/x",
    "default: /data/x",
    "/conv1/kernel",
    "/x.pt",
    "/tmp/x",
    "~/.brainio",
    "~1/2",
]


@pytest.mark.parametrize(
    "code", [*map(repr, OTHERS), "x + '/data/y'", "f'{x}/data/y'", "x['/data/y']", "x\n'Once at /home/me/weights.'"]
)
def test_other_strings_are_no_paths_of_a_machine(plugin, code):
    adding("model.py", f"TEXT = {code}\n")(plugin)
    assert judged(check_paths, plugin).status == "pass"
