import importlib.util
import json
import re
from pathlib import Path

import pytest

from brainscore_realnet.networks.published import CLIP_RN101, CORNET_S, REALNET_EEG_PUBLISHED, RESNET_101, Published

ALL = [CORNET_S, RESNET_101, CLIP_RN101, *REALNET_EEG_PUBLISHED.values()]


@pytest.mark.parametrize("published", ALL, ids=lambda published: published.filename)
def test_every_file_has_an_https_address_that_ends_in_its_name_and_a_whole_hash(published: Published) -> None:
    address, _, query = published.url.partition("?")
    assert address.startswith("https://")
    assert address.endswith("/" + published.filename)
    assert re.fullmatch(r"(versionId=[\w.]+)?", query)
    assert re.fullmatch(r"sha1:[0-9a-f]{40}|sha256:[0-9a-f]{64}", published.known_hash)
    assert published.source


def test_realnet_facts_are_those_that_brain_score_ships() -> None:
    spec = importlib.util.find_spec("brainscore_vision")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("brainscore_vision is not installed")
    table = Path(spec.submodule_search_locations[0]) / "models" / "ReAlnet" / "weights.json"
    shipped = json.loads(table.read_text(encoding="utf-8"))
    assert set(REALNET_EEG_PUBLISHED) == set(range(1, 11))
    for subject, published in REALNET_EEG_PUBLISHED.items():
        name = f"ReAlnet{subject:02d}"
        assert published.filename == f"{name}_best_model_params.pt"
        assert published.url.endswith(f"/ReAlnet/{published.filename}?versionId={shipped['version_ids'][name]}")
        assert published.known_hash == f"sha1:{shipped['sha1s'][name]}"


def test_resnet_address_and_the_digits_of_its_hash_are_torchvisions() -> None:
    from torchvision.models import ResNet101_Weights

    assert ResNet101_Weights.IMAGENET1K_V1.url == RESNET_101.url
    digits = re.search(r"-([0-9a-f]+)\.pth$", RESNET_101.filename)
    assert digits is not None
    assert RESNET_101.known_hash.startswith(f"sha256:{digits.group(1)}")


def test_clip_address_is_open_clips_and_bears_the_hash() -> None:
    open_clip = pytest.importorskip("open_clip")
    assert open_clip.get_pretrained_cfg("RN101", "openai")["url"] == CLIP_RN101.url
    assert CLIP_RN101.known_hash.removeprefix("sha256:") in CLIP_RN101.url
