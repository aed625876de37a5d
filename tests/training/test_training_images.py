import contextlib
import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import PIL
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile
from torchvision import transforms

import brainscore_realnet
from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError, StoreError
from brainscore_realnet.networks import clip_rn101
from brainscore_realnet.networks.backbones import IMAGENET_MEAN, IMAGENET_STD
from brainscore_realnet.store import folders
from brainscore_realnet.training import batches as batching
from brainscore_realnet.training import images
from brainscore_realnet.training.batches import batches, loading_seconds, normalised, to_device
from brainscore_realnet.training.images import image_cache

pytestmark = pytest.mark.usefixtures("own_store")

SIZES = [(80, 60), (31, 97), (224, 224), (500, 400), (12, 9), (1, 1)]
MODES = ["RGB", "L", "LA", "1", "P", "RGBA", "CMYK"]


def random_image(seed, mode="RGB", size=(80, 60)):
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
    image = Image.fromarray(noise)
    return image if mode == "RGBA" else image.convert("LA" if mode == "LA" else "RGB").convert(mode)


def saved(folder, n, **kwargs):
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{i:02d}.png" for i in range(n)]
    for i, path in enumerate(paths):
        random_image(i, **kwargs).save(path)
    return paths


def reference(path, size=224, mean=IMAGENET_MEAN, std=IMAGENET_STD):
    """One image through torchvision's own transform: (3, size, size)."""
    steps = [transforms.Resize((size, size)), transforms.ToTensor(), transforms.Normalize(mean, std)]
    with Image.open(path) as image:
        return transforms.Compose(steps)(image.convert("RGB"))


def cached(paths, size=16, **kwargs):
    return image_cache(paths, size, progress=False, **kwargs)


def in_the_store(own_store):
    return sorted(path.name for path in (own_store / "cache").glob("*"))


@pytest.fixture
def decoded_files(monkeypatch):
    """Names of the files that are decoded from now on."""
    names = []
    original = images._decoded

    def noted(file, digest, size):
        names.append(file.name)
        return original(file, digest, size)

    monkeypatch.setattr(images, "_decoded", noted)
    return names


@pytest.mark.parametrize(("mean", "std"), [(IMAGENET_MEAN, IMAGENET_STD), (clip_rn101.MEAN, clip_rn101.STD)])
def test_batches_are_bit_equal_to_the_transform_of_torchvision(tmp_path, mean, std):
    paths = []
    for i, mode in enumerate(MODES):
        for suffix in ["png"] * (mode != "CMYK") + ["jpg"] * (mode in ("RGB", "L", "CMYK")):
            paths.append(tmp_path / f"{mode}.{suffix}")
            random_image(i, mode, SIZES[i % len(SIZES)]).save(paths[-1])
    for i, size in enumerate(SIZES):
        for suffix in ("png", "jpg", "webp"):
            paths.append(tmp_path / f"{i}.{suffix}")
            random_image(i, size=size).save(paths[-1])
    (batch,) = batches(cached(paths, 224), range(len(paths)), len(paths), "cpu", mean, std)
    assert batch.dtype == torch.float32
    assert batch.is_contiguous(memory_format=torch.channels_last)
    for path, image in zip(paths, batch, strict=True):
        assert torch.equal(image, reference(path, mean=mean, std=std)), path.name


def test_training_and_scoring_see_the_same_pixels(tmp_path):
    from brainscore_vision.model_helpers.activations.pytorch import load_preprocess_images

    paths = [tmp_path / f"{mode}.png" for mode in MODES if mode not in ("1", "CMYK")]  # scoring refuses these
    for i, path in enumerate(paths):
        random_image(i, path.stem).save(path)
    (batch,) = batches(cached(paths, 64), range(len(paths)), len(paths), "cpu")
    scored = load_preprocess_images(paths, 64, normalize_mean=IMAGENET_MEAN, normalize_std=IMAGENET_STD)
    assert torch.equal(batch, torch.from_numpy(scored))


def test_every_value_of_every_channel_is_normalised_as_torchvision_does():
    values = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1).expand(1, 16, 16, 3)
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1, 0.5, 0.9), (0.3, 1.0, 7.0))])
    assert torch.equal(normalised(values, (0.1, 0.5, 0.9), (0.3, 1.0, 7.0))[0], transform(values[0].numpy()))


def test_normalisation_made_in_inference_mode_serves_training():
    with torch.inference_mode():
        normalised(torch.zeros(1, 2, 2, 3, dtype=torch.uint8), (0.125, 0.25, 0.5))
    batch = normalised(torch.zeros(1, 2, 2, 3, dtype=torch.uint8), (0.125, 0.25, 0.5))
    weight = torch.ones(3, requires_grad=True)
    (batch * weight[:, None, None]).sum().backward()
    assert torch.allclose(weight.grad, -4 * torch.tensor([0.125, 0.25, 0.5]) / torch.tensor(IMAGENET_STD))


@given(order=st.lists(st.integers(0, 6), max_size=20), batch_size=st.integers(1, 9))
def test_batches_follow_the_order(order, batch_size):
    pixels = torch.arange(7, dtype=torch.uint8).reshape(7, 1, 1, 1).expand(7, 2, 2, 3).contiguous()
    cache = images.ImageCache(Path("nowhere"), "", pixels)
    got = list(batches(cache, order, batch_size, "cpu", (0, 0, 0), (1 / 255,) * 3))
    assert [len(batch) for batch in got] == [len(order[i : i + batch_size]) for i in range(0, len(order), batch_size)]
    assert [round(float(image[0, 0, 0])) for batch in got for image in batch] == order


def test_orders_may_be_lists_arrays_or_tensors(tmp_path):
    cache = cached(saved(tmp_path, 3))
    read_only = np.array([2, 0], dtype=np.uint8)
    read_only.flags.writeable = False
    orders = [[2, 0], read_only, torch.tensor([2, 0])]
    (first,), *others = [list(batches(cache, order, 4, "cpu")) for order in orders]
    assert all(torch.equal(first, other) for (other,) in others)


@pytest.mark.parametrize(
    "order", [[0, 3], [-1], [0.5], [[0, 1]], ["a"], [True], torch.tensor(1), np.array([2**63], dtype=np.uint64)]
)
def test_orders_that_are_no_rows_of_the_cache_are_refused_before_the_first_batch(tmp_path, order):
    cache = cached(saved(tmp_path, 3))
    with pytest.raises(BadInputError, match="from 0 to 2"):
        batches(cache, order, 2, "cpu")


def test_batch_sizes_below_one_are_refused(tmp_path):
    with pytest.raises(BadInputError, match="Got batch size 0"):
        batches(cached(saved(tmp_path, 2)), [0, 1], 0, "cpu")


@pytest.mark.parametrize(
    "batch",
    [torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.zeros(4, 4, 3, dtype=torch.uint8), torch.zeros(2, 4, 4, 3)],
)
def test_batches_of_another_shape_or_dtype_are_refused(batch):
    with pytest.raises(BadInputError, match="expected \\(n, height, width, 3\\)"):
        normalised(batch)


@pytest.mark.parametrize(
    ("mean", "std"), [((0, 0), (1, 1, 1)), ((0, 0, 0), (1, 0, 1)), ((0, float("nan"), 0), (1, 1, 1))]
)
def test_statistics_that_would_give_no_numbers_are_refused(mean, std):
    with pytest.raises(BadInputError, match="three finite numbers"):
        normalised(torch.zeros(1, 2, 2, 3, dtype=torch.uint8), mean, std)


def test_images_are_decoded_once(tmp_path, decoded_files):
    paths = saved(tmp_path, 5)
    first = cached(paths)
    assert sorted(decoded_files) == [path.name for path in paths]
    second = cached(paths)
    assert len(decoded_files) == 5
    assert (second.path, second.sha256) == (first.path, first.sha256)
    assert torch.equal(second.pixels, first.pixels)


def test_the_file_does_not_depend_on_the_number_of_workers_or_of_images_in_a_block(tmp_path, own_store, monkeypatch):
    paths = saved(tmp_path, 7)
    content = cached(paths, workers=1).path.read_bytes()
    for file in (own_store / "cache").glob("images-*"):
        file.unlink()
    monkeypatch.setattr(images, "_BLOCK_IMAGES", 3)
    again = cached(paths, workers=4).path
    assert again.read_bytes() == content
    assert np.load(again).shape == (7, 16, 16, 3)


def test_the_name_follows_content_order_size_and_version_not_names(tmp_path, monkeypatch):
    paths = saved(tmp_path / "one", 3)
    original = cached(paths).path
    renamed = [path.rename(tmp_path / f"other-{path.name}") for path in paths]
    assert cached(renamed).path == original
    different = [cached(renamed[::-1]).path, cached(renamed[:2]).path, cached(renamed, size=17).path]
    random_image(99).save(renamed[0])
    different.append(cached(renamed).path)
    monkeypatch.setattr(PIL, "__version__", "another")
    different.append(cached(renamed).path)
    monkeypatch.setattr(images, "FORMAT_VERSION", 0)
    different.append(cached(renamed).path)
    assert len({original, *different}) == 1 + len(different)


def test_paths_may_repeat(tmp_path):
    one, two = saved(tmp_path, 2)
    pixels = cached([one, two, one]).pixels
    assert len(pixels) == 3
    assert torch.equal(pixels[0], pixels[2])
    assert not torch.equal(pixels[0], pixels[1])


def test_what_is_written_into_the_pixels_does_not_reach_the_file(tmp_path):
    paths = saved(tmp_path, 2)
    cache = cached(paths)
    before = cache.path.read_bytes()
    cache.pixels.zero_()
    assert cache.path.read_bytes() == before
    assert cached(paths).pixels.any()


@pytest.mark.parametrize("given", [dict(size=0), dict(size=-3), dict(workers=0)])
def test_sizes_and_workers_below_one_are_refused(tmp_path, given):
    with pytest.raises(BadInputError, match="expected 1 or more"):
        cached(saved(tmp_path, 1), **given)


def test_no_images_are_refused():
    with pytest.raises(BadInputError, match="Got no images"):
        cached([])


def test_missing_images_are_named_and_counted(tmp_path):
    paths = saved(tmp_path, 2)
    with pytest.raises(MissingDataError, match=r"absent\.png \(2 of 4 images are missing\)"):
        cached([paths[0], tmp_path / "absent.png", tmp_path, paths[1]])


def truncated(path):
    path.write_bytes(path.read_bytes()[:-400])


def a_web_page(path):
    path.write_text("<html>not found</html>")


def empty(path):
    path.write_bytes(b"")


def of_16_bits(path):
    Image.fromarray(np.full((8, 8), 40_000, dtype=np.uint16)).save(path)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("damage", [truncated, a_web_page, empty])
def test_an_image_that_cannot_be_read_is_named_and_nothing_is_kept(tmp_path, own_store, suffix, damage):
    paths = [*saved(tmp_path, 2), tmp_path / f"bad.{suffix}"]
    random_image(0).save(paths[2])
    damage(paths[2])
    with pytest.raises(BadFileError, match=rf"bad\.{suffix}, which cannot be read .*Fetch it again"):
        cached(paths)
    assert in_the_store(own_store) == []


def test_truncated_images_are_refused_even_where_pillow_was_told_to_take_them(tmp_path, monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    (path,) = saved(tmp_path, 1)
    truncated(path)
    with pytest.raises(BadFileError, match=r"00\.png"):
        cached([path])
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


def test_images_of_16_bits_are_refused_and_not_made_white(tmp_path):
    of_16_bits(tmp_path / "deep.png")
    with pytest.raises(BadFileError, match=r"deep\.png.*more than 8 bits"):
        cached([tmp_path / "deep.png"])


def test_images_without_permission_are_named(tmp_path, monkeypatch):
    paths = saved(tmp_path, 1)

    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(BadFileError, match=r"00\.png, which cannot be read \(PermissionError"):
        cached(paths)


def test_an_image_that_changes_after_it_was_hashed_is_refused(tmp_path, own_store, monkeypatch):
    paths = saved(tmp_path, 2)
    monkeypatch.setattr(images, "require_space", lambda *_: random_image(7).save(paths[1]))
    with pytest.raises(BadFileError, match=r"other content in .*01\.png"):
        cached(paths)
    assert in_the_store(own_store) == []


def flip_a_bit(file):
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    file.write_bytes(content)


def cut_short(file):
    file.write_bytes(file.read_bytes()[:-1])


def lose_the_card(file):
    file.with_suffix(".json").unlink()


def break_the_card(file):
    file.with_suffix(".json").write_text("[]")


def put_another_size_there(file):
    (source,) = (path for path in file.parent.glob("*.npy") if path != file)
    for suffix in (".npy", ".json"):
        file.with_suffix(suffix).write_bytes(source.with_suffix(suffix).read_bytes())


@pytest.mark.parametrize(
    "damage", [flip_a_bit, cut_short, empty, lose_the_card, break_the_card, put_another_size_there]
)
def test_a_damaged_cache_is_made_anew_with_a_warning(tmp_path, caplog, decoded_files, damage):
    paths = saved(tmp_path, 3)
    cached(paths, size=8)
    cache = cached(paths)
    whole = cache.path.read_bytes()
    decoded_files.clear()
    damage(cache.path)
    again = cached(paths)
    assert len(decoded_files) == 3
    assert (again.path.read_bytes(), again.sha256) == (whole, cache.sha256)
    assert torch.equal(again.pixels, torch.from_numpy(np.load(again.path)))
    assert caplog.text.count("decoding the images again") == 1


def test_too_little_space_is_said_before_anything_is_decoded(tmp_path, monkeypatch, decoded_files):
    paths = saved(tmp_path, 2)
    monkeypatch.setattr(folders.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10**8 + 1535})())
    with pytest.raises(StoreError, match="Free space there"):
        cached(paths)
    assert decoded_files == []
    monkeypatch.setattr(folders.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10**8 + 1536})())
    assert len(cached(paths)) == 2


def test_a_disk_that_fills_up_while_writing_leaves_nothing_behind(tmp_path, own_store, monkeypatch):
    paths = saved(tmp_path, 2)

    def refuse(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", refuse)
        with pytest.raises(StoreError, match="the disk is full"):
            cached(paths)
    assert in_the_store(own_store) == []
    assert len(cached(paths)) == 2


def test_an_interruption_leaves_nothing_behind_and_the_next_run_builds(tmp_path, own_store, monkeypatch):
    paths = saved(tmp_path, 6)
    original = images._decoded

    def interrupted(file, digest, size):
        if file.name == "04.png":
            raise KeyboardInterrupt
        return original(file, digest, size)

    monkeypatch.setattr(images, "_BLOCK_IMAGES", 2)
    with monkeypatch.context() as pressed:
        pressed.setattr(images, "_decoded", interrupted)
        with pytest.raises(KeyboardInterrupt):
            cached(paths)
    assert in_the_store(own_store) == []
    assert torch.equal(cached(paths).pixels[5], cached(paths[5:]).pixels[0])


SLOW_BUILD = """
import os, sys, time
from pathlib import Path
from brainscore_realnet.training import images

original = images._decoded
folder, killed = Path(sys.argv[1]), sys.argv[2] == "killed"

def slow(file, digest, size):
    with open(folder / "decoded", "a") as noted:
        noted.write(f"{os.getpid()}\\n")
    if killed and file.name == "03.png":
        os.kill(os.getpid(), 9)
    time.sleep(0.1)
    return original(file, digest, size)

images._decoded, images._BLOCK_IMAGES = slow, 2
(folder / f"ready-{os.getpid()}").touch()
while not (folder / f"go-{sys.argv[2]}").exists():
    time.sleep(0.01)
print(images.image_cache(sorted(folder.glob("*.png")), 16, progress=False, workers=1).sha256)
"""


def test_of_two_processes_one_builds_and_what_a_killed_one_left_is_swept(tmp_path, own_store, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(brainscore_realnet.__file__).parents[1]))
    paths = saved(tmp_path / "images", 5)
    folder = paths[0].parent
    fates = ["killed", "alive", "alive"]
    command = [sys.executable, "-c", SLOW_BUILD, str(folder)]
    with contextlib.ExitStack() as stack:
        # Started together, because importing takes longer than all the rest.
        killed, *others = [
            stack.enter_context(subprocess.Popen([*command, fate], stdout=subprocess.PIPE, text=True)) for fate in fates
        ]
        for process in (killed, *others):
            stack.callback(process.kill)  # where the test fails, they would wait for ever to be let go
        while len(list(folder.glob("ready-*"))) < 3:
            assert {process.poll() for process in (killed, *others)} == {None}
            time.sleep(0.01)
        (folder / "go-killed").touch()
        assert killed.wait() == -9
        assert len(in_the_store(own_store)) == 1
        (folder / "go-alive").touch()
        printed = {process.communicate()[0].strip() for process in others}
    decoders = (folder / "decoded").read_text().split()
    finished = [str(process.pid) for process in others if str(process.pid) in decoders]
    assert decoders.count(finished[0]) == 5
    assert len(finished) == 1
    cache = cached(paths)
    assert printed == {cache.sha256}
    assert in_the_store(own_store) == sorted([cache.path.name, cache.path.with_suffix(".json").name])


def test_the_card_says_what_the_file_holds(tmp_path):
    cache = cached(saved(tmp_path, 2))
    card = json.loads(cache.path.with_suffix(".json").read_text())
    assert card == {"sha256": cache.sha256, "images": 2, "size": 16}


def test_on_the_cpu_the_memory_map_itself_is_used(tmp_path):
    cache = cached(saved(tmp_path, 2))
    assert to_device(cache, "cpu") is cache


@pytest.mark.parametrize(("free", "copied"), [(4 * 2 * 16 * 16 * 3, True), (4 * 2 * 16 * 16 * 3 - 1, False)])
def test_images_are_copied_to_a_gpu_if_a_quarter_of_its_free_memory_holds_them(tmp_path, monkeypatch, free, copied):
    cache = cached(saved(tmp_path, 2))
    moved = []
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 10**9))
    monkeypatch.setattr(torch.Tensor, "to", lambda tensor, device: moved.append(device) or tensor)
    to_device(cache, "cuda:0")
    assert moved == [torch.device("cuda:0")] * copied


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_a_gpu_gives_the_same_bits_from_its_own_copy_and_through_pinned_memory(tmp_path, fraction):
    cache = cached(saved(tmp_path, 9), 224)
    order = [8, 0, 0, 3, 7, 1, 2]
    ready = to_device(cache, "cuda", fraction)
    assert ready.pixels.is_cuda == (fraction == 1.0)
    for got, expected in zip(batches(ready, order, 2, "cuda"), batches(cache, order, 2, "cpu"), strict=True):
        assert got.is_cuda
        assert torch.equal(got.cpu(), expected)


def test_loading_ahead_keeps_the_order_and_stays_only_a_few_items_ahead():
    begun = []
    items = batching._ahead(lambda item: begun.append(item) or -item, range(50))
    for expected in range(50):
        assert next(items) == -expected
        assert len(begun) <= expected + 1 + batching._BATCHES_AHEAD
    assert next(items, None) is None
    assert begun == list(range(50))


def test_loading_ahead_hands_errors_on_and_ends_with_its_consumer():
    begun = []

    def load(item):
        begun.append(item)
        return 1 // (3 - item)

    items = batching._ahead(load, range(50))
    assert [next(items) for _ in range(3)] == [0, 0, 1]
    with pytest.raises(ZeroDivisionError):
        next(items)
    assert len(begun) < 10
    unfinished = batching._ahead(begun.append, range(100, 200))
    next(unfinished)
    unfinished.close()
    assert max(begun) < 110


def test_loading_is_measured_over_the_batches_asked_for(tmp_path, monkeypatch):
    cache = cached(saved(tmp_path, 4))
    seen = []
    original = batching.normalised

    def slow(batch, *statistics):
        seen.append(len(batch))
        time.sleep(0.01)
        return original(batch, *statistics)

    monkeypatch.setattr(batching, "normalised", slow)
    assert loading_seconds(cache, "cpu", batch_size=3, n_batches=5) >= 0.01
    assert seen == [3] * 6
