import gzip
import importlib
import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from faulty_server import Page, serving

from brainscore_realnet.cli import main
from brainscore_realnet.datasets import catalogue, things, things_eeg2
from brainscore_realnet.datasets.catalogue import fetching, repositories
from brainscore_realnet.datasets.catalogue.repositories import RemoteFile
from brainscore_realnet.store import sha256_bytes

NAME = "things-dimensions"
FIXTURES = Path(__file__).parents[1] / "data" / "things"
CONTENTS = {
    "item_names.tsv": (FIXTURES / "item_names.tsv").read_bytes(),
    "spose_embedding_49d_sorted.txt": gzip.decompress((FIXTURES / "spose_embedding_49d_sorted.txt.gz").read_bytes()),
}

pytestmark = pytest.mark.usefixtures("own_store")


@pytest.fixture
def server(monkeypatch):
    """The two files that the dimensions need, on a local server."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(importlib.import_module("brainscore_realnet.store.download"), "_FIRST_DELAY_SECONDS", 0)
    # its handler writes to the stream of the first test, which is closed by now
    with serving({f"/{name}": Page(body) for name, body in CONTENTS.items()}) as running:
        data_set = catalogue.find(NAME)
        (part,) = data_set.parts
        forms = tuple(form for form in part.forms if form.row in CONTENTS)
        files = tuple(
            RemoteFile(name, f"{running.url}/{name}", len(body), f"sha256:{sha256_bytes(body)}")
            for name, body in CONTENTS.items()
        )
        local = replace(data_set, parts=(replace(part, forms=forms, files=files, listings=()),))
        monkeypatch.setitem(catalogue.DATA_SETS, NAME, local)
        yield running


def run(capsys, *arguments):
    status = main(["data", *arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return status, captured.out, captured.err


def test_a_data_set_is_fetched_verified_and_removed(server, own_store, capsys):
    status, out, _ = run(capsys, "fetch", NAME)
    assert status == 0
    assert "fetched        item_names.tsv, spose_embedding_49d_sorted.txt" in out
    assert things.open_dimensions().values.shape == (1854, 49)
    status, out, _ = run(capsys, "fetch", NAME)
    assert (status, server.count("/item_names.tsv")) == (0, 1)
    assert "fetched        nothing new" in out
    status, out, _ = run(capsys, "verify", NAME)
    assert status == 0
    assert "Nothing is broken." in out
    status, out, _ = run(capsys, "remove", NAME, "--yes")
    assert status == 0
    assert "freed" in out
    assert not list((own_store / "data").iterdir())
    assert run(capsys, "remove", NAME, "--yes")[1] == f"Nothing of {NAME} is in the store.\n"


def test_verify_finds_what_status_does_not_look_at_and_exits_with_1(server, own_store, capsys):
    run(capsys, "fetch", NAME)
    (path,) = (own_store / "data" / NAME).glob("item_names*")
    stat = path.stat()
    path.write_bytes(path.read_bytes().replace(b"aardvark", b"bardvark"))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert "item_names.tsv                 ready" in run(capsys, "status", NAME)[1]
    with pytest.raises(SystemExit) as stopped:
        main(["data", "verify", NAME])
    assert stopped.value.code == 1
    out = capsys.readouterr().out
    assert "item_names.tsv                 broken" in out
    assert f"1 broken\nTo mend it: brainscore data remove {NAME} --yes" in out
    run(capsys, "remove", NAME, "--yes")
    run(capsys, "fetch", NAME)
    assert run(capsys, "verify", NAME)[0] == 0


def test_what_fails_is_told_with_status_2_and_the_rest_is_kept(server, capsys):
    good = server.pages["/item_names.tsv"]
    server.pages["/item_names.tsv"] = Page(good.body, status=404)
    status, _, error = run(capsys, "fetch", NAME)
    assert status == 2
    assert "brainscore: Got 1 of 2 items of things-dimensions" in error
    assert "- item_names.tsv: " in error
    server.pages["/item_names.tsv"] = good
    assert "fetched        item_names.tsv\n" in run(capsys, "fetch", NAME)[1]


def test_ctrl_c_is_told_and_what_was_finished_is_kept(server, monkeypatch, capsys):
    download = fetching.download

    def interrupted(url, folder, filename, *arguments, **options):
        if filename != "item_names.tsv":
            raise KeyboardInterrupt
        return download(url, folder, filename, *arguments, **options)

    monkeypatch.setattr(fetching, "download", interrupted)
    assert run(capsys, "fetch", NAME)[0] == 130
    monkeypatch.setattr(fetching, "download", download)
    assert run(capsys, "fetch", NAME)[0] == 0
    assert server.count("/item_names.tsv") == 1


def test_remove_refuses_without_yes_and_tells_what_it_would_delete(server, own_store, capsys):
    run(capsys, "fetch", NAME)
    status, _, error = run(capsys, "remove", NAME)
    assert status == 2
    assert str(own_store / "data" / NAME) in error
    assert str(own_store / "downloads" / NAME) in error
    assert "--yes" in error
    status, out, _ = run(capsys, "remove", NAME, "--downloads", "--yes")
    assert str(own_store / "data") not in out
    assert things.open_dimensions().values.shape == (1854, 49)


def test_a_folder_is_added(tmp_path, capsys):
    for name, body in CONTENTS.items():
        (tmp_path / name).write_bytes(body)
    status, out, _ = run(capsys, "add", NAME, str(tmp_path))
    assert status == 0
    assert f"{NAME} from {tmp_path}" in out
    assert "item_names.tsv" in out
    assert "absent         1 item: `brainscore data status things-dimensions` lists what is missing" in out


def test_status_has_one_line_for_a_set_that_is_not_there_and_details_for_one_that_is(server, capsys):
    run(capsys, "fetch", NAME)
    status, out, _ = run(capsys, "status")
    assert status == 0
    lines = out.splitlines()
    for name in catalogue.DATA_SETS:
        assert sum(line.startswith(name) for line in lines) == 1
    (line,) = [line for line in lines if line.startswith("things-eeg2")]
    assert "nothing yet: `brainscore data fetch things-eeg2`" in line
    assert "  item_names.tsv                 ready" in out
    assert "https://osf.io/z2784/" in out


def test_status_of_one_set_lists_its_items_and_whom_to_ask(capsys):
    status, out, _ = run(capsys, "status", "shen2019")
    assert status == 0
    assert "  sub-03 letters       missing" in out
    assert "https://forms.gle/ujvA34948Xg49jdn9" in out


def test_status_is_quick_and_loads_nothing_heavy(own_store):
    code = (
        "import sys, time; start = time.perf_counter()\n"
        "from brainscore_realnet.cli.data import Status; Status().run()\n"
        "assert time.perf_counter() - start < 2\n"
        "heavy = {'torch', 'pandas', 'brainscore_vision', 'h5py', 'pooch', 'scipy', 'xarray', 'mne'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    begun = time.perf_counter()
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert time.perf_counter() - begun < 5


WRONG = {
    "data set": (["fetch", "things-eeg"], "did you mean things-eeg2?"),
    "data set to add": (["add", "shen", "."], "did you mean shen2019?"),
    "data set to remove": (["remove", "macaque", "--yes"], "did you mean macaque-it?"),
    "data set's status": (["status", "Horikawa2018"], "did you mean horikawa2017?"),
    "part": (["fetch", "things-eeg2", "--parts", "images", "preprocesed"], "did you mean preprocessed?"),
    "subject": (["fetch", "shen2019", "--subjects", "1-5"], "did you mean sub-03"),
    "split": (["fetch", "shen2019", "--splits", "shape"], "did you mean shapes?"),
    "folder": (["add", "things-eeg2", "no/such/folder"], "no/such/folder"),
    "option": (["prepare", "shen2019", "--sfreq", "250"], "expected n_components"),
    "nothing to prepare": (["prepare", "things-dimensions"], "needs no preparation"),
    "recordings by request": (["fetch", "macaque-it", "--parts", "recordings"], "SachiMajajHong2015.h5"),
    "by request": (["fetch", "horikawa2017", "--parts", "images"], "https://forms.gle/ujvA34948Xg49jdn9"),
}


@pytest.mark.parametrize(("arguments", "told"), WRONG.values(), ids=WRONG)
def test_wrong_input_gives_one_message_and_status_2(arguments, told, capsys):
    status, _, error = run(capsys, *arguments)
    assert status == 2
    assert told in error
    assert error.startswith("brainscore: ")


@pytest.mark.parametrize("command", ["fetch", "add", "prepare", "status", "verify", "remove"])
def test_an_unknown_data_set_leaves_no_trace_in_the_store(command, own_store, tmp_path, capsys):
    options = {"add": [str(tmp_path)], "remove": ["--yes"]}.get(command, [])
    status, _, error = run(capsys, command, "things-eeg3", *options)
    assert (status, "did you mean things-eeg2?" in error) == (2, True)
    assert not own_store.exists()


@pytest.mark.parametrize("arguments", [["fetch", NAME], ["add", NAME, str(FIXTURES)], ["remove", NAME, "--yes"]])
def test_a_file_in_place_of_the_store_is_told_with_status_2(arguments, own_store, capsys):
    own_store.write_text("in the way")
    status, _, error = run(capsys, *arguments)
    assert status == 2
    assert error.startswith(f"brainscore: Cannot write {own_store}")
    assert own_store.read_text() == "in the way"


def test_without_a_network_one_message_tells_so_and_each_server_is_waited_for_once(monkeypatch, capsys):
    asked = []

    def no_network(host, *arguments, **options):
        asked.append(host)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    monkeypatch.setattr(repositories, "FIRST_DELAY_SECONDS", 0)
    monkeypatch.setattr(importlib.import_module("brainscore_realnet.store.download"), "_FIRST_DELAY_SECONDS", 0)
    status, out, error = run(capsys, "fetch", "shen2019")
    assert (status, out) == (2, "")
    assert error.startswith("brainscore: Got 0 of 12 items of shen2019")
    assert error.count("Temporary failure in name resolution") == 2  # of the listing and of one file
    assert error.count("not tried, as there is no connection to ndownloader.figshare.com") == 1
    assert (asked.count("api.figshare.com"), asked.count("ndownloader.figshare.com")) == (4, 6)


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], {"subjects": None}),
        (["--mvnn", "none", "--sfreq", "250"], {"subjects": None, "mvnn": None, "sfreq": 250}),
        (
            ["--mvnn", "authors", "--subjects", "1-2", "4"],
            {"subjects": ("sub-01", "sub-02", "sub-04"), "mvnn": "authors"},
        ),
    ],
)
def test_options_of_prepare_reach_the_reader(arguments, options, monkeypatch, capsys):
    asked = []

    def prepare(**given):
        asked.append(given)
        return {"name": "set", "folder": "there", "converted": ["sub-01 test"], "kept": [], "images": {}}

    monkeypatch.setattr(things_eeg2, "prepare", prepare, raising=False)
    status, out, _ = run(capsys, "prepare", "things-eeg2", *arguments)
    assert status == 0
    assert asked == [{"name": "things-eeg2", **options}]
    assert "sub-01 test" in out


def test_a_bad_file_is_told_by_add(tmp_path, capsys):
    (tmp_path / "item_names.tsv").write_text("no table")
    status, _, error = run(capsys, "add", NAME, str(tmp_path))
    assert status == 2
    assert "item_names.tsv" in error


def test_help_names_every_data_set(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["data", "fetch", "--help"])
    assert stopped.value.code == 0
    text = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert all(name in text for name in catalogue.DATA_SETS)


def test_prepared_sets_are_shown_and_verified(own_store, monkeypatch, capsys):
    name = "things-eeg2-mvnn-none-250hz"
    (own_store / "data" / name).mkdir(parents=True)

    def status(name, thorough):
        state = "broken" if "mvnn" in name and thorough else "ready" if "mvnn" in name else "missing"
        return [{"what": "sub-01 test", "state": state, "detail": "250 Hz", "how": ""}]

    monkeypatch.setattr(things_eeg2, "status", status)
    out = run(capsys, "status", "things-eeg2")[1]
    assert f"{name}: prepared\n  sub-01 test          ready    250 Hz" in out
    with pytest.raises(SystemExit) as stopped:
        main(["data", "verify"])
    assert stopped.value.code == 1
    assert f"{name}\n  sub-01 test          broken   250 Hz\n1 broken" in capsys.readouterr().out
