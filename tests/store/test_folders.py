import errno
from pathlib import Path

import platformdirs
import pytest

from brainscore_realnet.errors import BadInputError, StoreError
from brainscore_realnet.store import folder, home


def test_home_is_the_variable_when_it_is_set(store_home):
    assert home() == store_home


@pytest.mark.parametrize("value", [None, ""])
def test_home_is_the_platforms_cache_folder_when_the_variable_is_unset_or_empty(monkeypatch, value):
    monkeypatch.delenv("BRAINSCORE_REALNET_HOME")
    if value is not None:
        monkeypatch.setenv("BRAINSCORE_REALNET_HOME", value)
    assert home() == Path(platformdirs.user_cache_dir("brainscore_realnet", appauthor=False))


def test_home_expands_the_tilde_and_is_absolute(monkeypatch):
    monkeypatch.setenv("BRAINSCORE_REALNET_HOME", "~/somewhere")
    assert home() == Path.home() / "somewhere"


def test_folder_is_made_below_home_and_may_exist(store_home):
    assert folder("data", "things-eeg2") == store_home / "data" / "things-eeg2"
    assert folder("data", "things-eeg2").is_dir()


def test_asking_for_home_makes_nothing(store_home):
    home()
    assert not store_home.exists()


@pytest.mark.parametrize("in_the_way", [".", "data", "data/things-eeg2"])
def test_a_file_in_place_of_a_folder_is_named(store_home, in_the_way):
    file = store_home / in_the_way
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("not a folder")
    with pytest.raises(StoreError) as caught:
        folder("data", "things-eeg2")
    assert str(file) in str(caught.value)
    assert "move it away" in str(caught.value)


@pytest.mark.parametrize(
    ("number", "advice"),
    [(errno.EACCES, "permission"), (errno.EROFS, "read-only"), (errno.ENOSPC, "free space"), (errno.EDQUOT, "quota")],
)
def test_what_the_system_refuses_is_told_with_advice(monkeypatch, number, advice):
    def refuse(self, *args, **kwargs):
        raise OSError(number, "refused", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StoreError, match=advice):
        folder("data")


@pytest.mark.parametrize("part", ["..", "/etc", "a/../../b"])
def test_parts_cannot_lead_out_of_the_store(part):
    with pytest.raises(BadInputError, match="plain name"):
        folder("data", part)
