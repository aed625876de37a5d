"""Write the metadata that Brain-Score reads beside plugins: ``metadata.yml`` of benchmarks, ``.yaml`` of models.

``python tools/metadata.py`` rewrites all files; a test fails when they are out of date. Entries hold what is known: a
key that is absent is not known. What the code knows (subjects, regions, parameters) is asked of it and stands in no
table.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from brainscore_realnet import load_benchmark
from brainscore_realnet.adapters.commitment import VISUAL_DEGREES
from brainscore_realnet.networks.backbones import backbone
from brainscore_realnet.networks.published import REALNET_EEG_PUBLISHED, Published
from brainscore_realnet.scoring.enable import PACKAGE
from brainscore_realnet.scoring.identifiers import package_identifiers
from brainscore_realnet.simulation import hidden_network, kamitani, things_eeg2

HEADER = "# Written by tools/metadata.py: change its tables, not this file.\n"
Entry = dict[str, Any]

# Benchmarks: brainscore_core.plugin_management.handle_metadata lists the keys.

EEG = {
    "task": "rapid serial visual presentation with target detection",
    "region": "scalp over occipital and parietal cortex",
    "num_recording_sites": 17,
    "datatype": "EEG",
    "pre_processing": "by its authors: 100 Hz, baseline-corrected, multivariate noise normalisation",
}
FMRI = {
    "task": "viewing with one-back repetition detection",
    "datatype": "fMRI",
    "pre_processing": "by its authors; repetitions averaged",
    "extra_notes": "Responses are public; the images must be asked for.",
}
DATA_KEYS = (
    "benchmark_type",
    "task",
    "region",
    "num_recording_sites",
    "species",
    "datatype",
    "num_subjects",
    "pre_processing",
    "extra_notes",
    "data_publicly_available",
)
"""In the order in which they are written."""
DATA = {"things_eeg2": EEG, "shen2019": FMRI, "horikawa2017": FMRI}
SIMULATED_DATA = {
    "species": "none (simulated)",
    "extra_notes": "Simulated: virtual subjects made from the activity of a hidden network. Says nothing about brains.",
}
STIMULI = {
    "ThingsEEG2": (200, "natural images"),
    "Shen2019": (50, "natural images"),
    "Shen2019shapes": (40, "artificial shapes"),
    "Shen2019letters": (10, "letters"),
    "Horikawa2017": (50, "natural images"),
    "SimThingsEEG2": (things_eeg2.DEFAULT.test_images, "synthetic"),
    "SimThingsEEG2concepts": (things_eeg2.ALIGNMENT.test_images, "synthetic"),
    "SimShen2019": (kamitani.SHEN2019.test_images, "synthetic"),
    "SimShen2019shapes": (kamitani.SHEN2019.shapes, "synthetic"),
    "SimShen2019letters": (kamitani.SHEN2019.letters, "synthetic"),
    "SimHorikawa2017": (kamitani.HORIKAWA2017.test_images, "synthetic"),
}
"""Number and kind of the images by headline."""
REFERENCE = {
    "things_eeg2": "https://arxiv.org/abs/2401.17231",
    "shen2019": "https://arxiv.org/abs/2407.10414",
    "horikawa2017": "https://arxiv.org/abs/2407.10414",
}

# Models: brainscore_core.metadata.contract lists the fields.

RECURRENT, CONVOLUTIONAL = "recurrent_convolutional_neural_network", "convolutional_neural_network"
ARCHITECTURES = {
    "cornet_s": (RECURRENT, "CORnet-S: V1, V2 (twice), V4 (four times), IT (twice), linear decoder"),
    "resnet_101": (CONVOLUTIONAL, "ResNet-101 of torchvision"),
    "clip_rn101": (CONVOLUTIONAL, "Visual tower of CLIP RN101: a modified ResNet-101 with attention pooling"),
}
PAPERS = {
    "cornet-s": ("https://arxiv.org/abs/1909.06161", "Kubilius, Schrimpf et al., NeurIPS 2019"),
    "resnet-101": ("https://arxiv.org/abs/1512.03385", "He et al., CVPR 2016"),
    "clip-rn101": ("https://arxiv.org/abs/2103.00020", "Radford et al., ICML 2021"),
    "eeg": ("https://arxiv.org/abs/2401.17231", "Lu, Wang & Golomb, arXiv 2401.17231"),
    "fmri": ("https://arxiv.org/abs/2407.10414", "Lu & Wang, Cognitive Neurodynamics 19:61, 2025"),
}
TOLD_BY_PAPERS = ("/model/supervision", "/training", "/data/training_datasets")
CODE = {"kind": "other", "citation": "brainscore_realnet: counted or read off by its own code"}
IMAGENET = {"identifier": "imagenet-1k", "name": "ImageNet-1k (ILSVRC-2012)"}
SUPERVISED = {
    "supervision": {"type": "supervised", "description": "Labelled images"},
    "objective": "Classification into 1000 classes",
    "loss": "Cross entropy",
    "dataset": IMAGENET,
}
BASELINES = {
    "cornet-s": SUPERVISED,
    "resnet-101": SUPERVISED,
    "clip-rn101": {
        "supervision": {"type": "contrastive", "description": "Texts that accompany the images"},
        "objective": "Telling which text belongs to which image",
        "loss": "Symmetric cross entropy over the similarities of images and texts",
        "dataset": {"identifier": "wit-400m", "name": "WIT-400M (OpenAI WebImageText)"},
    },
}
SIGNALS = {
    "eeg": ("EEG", "ReAlnet", "100", 30, {"identifier": "things-eeg2", "name": "THINGS EEG2"}),
    "fmri": ("fMRI", "ReAlnet-fMRI", "40", 5, {"identifier": "other", "name": "Shen2019 (Deep image reconstruction)"}),
}
"""Signal, name of the family, beta of the headline models, epochs, data set."""
SIMULATED = {
    "sim-hidden": (hidden_network.HiddenNetwork, f"random weights from seed {hidden_network.GENERATOR_SEED}"),
    "sim-random": (hidden_network.HiddenNetwork, "random weights from seed 1"),
    "sim-noise": (None, "Gaussian noise seeded by each image's pixels"),
}
"""Network, None when it computes with no weights, and where its answers come from."""


def benchmarks(folder: str) -> Entry:
    """Metadata of the benchmarks of a plugin folder."""
    return {"benchmarks": {name: _benchmark(folder, name) for name in _registered("benchmark", folder)}}


def models(folder: str) -> Entry:
    """Metadata of the models of a plugin folder."""
    entry_of = MODELS[folder]
    found = {name: entry_of(name) for name in _registered("model", folder)}
    return {"schema_version": "2.0", "domain": "vision", "models": found}


def text(document: Entry) -> str:
    """Write a document as YAML without anchors, which Brain-Score refuses."""
    import yaml

    unshared = json.loads(json.dumps(document))
    return HEADER + yaml.safe_dump(unshared, sort_keys=False, allow_unicode=True, width=120)


def _registered(kind: str, folder: str) -> Iterator[str]:
    source = (PACKAGE / f"{kind}s" / folder / "__init__.py").read_text()
    return (name for name in package_identifiers(kind) if f'_registry["{name}"]' in source)


def _benchmark(folder: str, identifier: str) -> Entry:
    benchmark = load_benchmark(identifier)
    number, subtype = STIMULI[re.split(r"[.-]", identifier)[0]]
    data = {**DATA[folder], "species": "human", "num_subjects": len(benchmark.subjects)}
    if benchmark.condition == "roi":
        data["region"] = ", ".join(benchmark.rois)
    if benchmark.data.simulated:
        data = {key: value for key, value in data.items() if key not in ("task", "pre_processing")}
        data |= SIMULATED_DATA | {"datatype": f"simulated {data['datatype']}"}
    data |= {"benchmark_type": "neural", "data_publicly_available": True}
    bound = "the upper noise ceiling" if len(benchmark.subjects) > 1 else "the subject's own reliability"
    compared = f"Spearman between RDMs of the model's {', '.join(benchmark.areas)} and of the data, relative to {bound}"
    return {
        "stimulus_set": {"num_stimuli": number, "datatype": "image", "stimuli_subtype": subtype},
        "data": {key: data[key] for key in DATA_KEYS if key in data},
        "metric": {"type": "rsa", "reference": REFERENCE[folder], "public": True, "extra_notes": compared},
    }


def _baseline(identifier: str) -> Entry:
    name, recipe = identifier.replace("-", "_"), BASELINES[identifier]
    display = {"cornet-s": "CORnet-S", "resnet-101": "ResNet-101", "clip-rn101": "CLIP RN101"}[identifier]
    return {
        "model": {"display_name": display, **_architecture(name), "supervision": recipe["supervision"]},
        "training": {key: recipe[key] for key in ("objective", "loss")},
        "data": {"training_datasets": [{**recipe["dataset"], "role": "training"}]},
        "io": {"modality": "image"},
        "provenance": _published(backbone(name).published),
        **_evidence(identifier),
    }


def _aligned(identifier: str) -> Entry:
    """Entry of a model that was made from CORnet-S with EEG or fMRI."""
    kind, number, variant = re.fullmatch(r"realnet-(eeg|fmri)(?:-sub(\d\d))?-?(.*)", identifier).groups()
    signal, family, beta, epochs, dataset = SIGNALS[kind]
    beta = variant.removeprefix("beta") if variant.startswith("beta") else beta
    whose = f"subject {int(number)}" if number else "all subjects" if variant == "all" else "no subject"
    loss, what = "L^C + β (L^MSE + L^Cont), L^Cont with Spearman correlations", f"β = {beta}"
    if variant == "beta0":
        loss, what = "L^C", "β = 0: control without a signal head"
    elif variant == "nocont":
        loss, what = "L^C + β L^MSE", f"β = {beta}, without the contrastive term"
    elif variant == "unpaired":
        what = f"β = {beta}, control: images and {signal} paired at random"
    labels = "labels that the pretrained network gives"
    objective = labels if beta == "0" else f"{labels}; generation of {signal} from V1, V2, V4 and IT"
    used = "images alone" if beta == "0" else f"{signal} of {whose}, training images"
    supervision = {"type": "supervised", "description": labels}
    if beta != "0":
        supervision = {"type": "supervised_neural_alignment", "description": f"{labels}, and {signal} of {whose}"}
    published = REALNET_EEG_PUBLISHED[int(number)] if kind == "eeg" and number and not variant else None
    return {
        "model": {
            "display_name": f"{family}, {whose}, {what}",
            **_architecture("cornet_s"),
            "supervision": supervision,
        },
        "training": {
            "process": f"Recipe of the paper: {epochs} epochs from CORnet-S, {what}",
            "objective": f"Classification by {objective}",
            "loss": loss,
            "learning_rate": "2e-5 (Adam)",
            "batch_size": "16",
            "preprocessing": "Resized to 224 × 224, ImageNet statistics, no augmentation",
        },
        "data": {
            "training_datasets": [
                {**IMAGENET, "role": "pretraining"},
                {**dataset, "description": used, "role": "fine_tuning"},
            ]
        },
        "io": {"modality": "image"},
        "provenance": _published(published),
        **({"use": {"limitations": ["The published checkpoint does not state its β."]}} if published else {}),
        "lineage": {"base_models": [{"identifier": "CORnet-S", "name": "CORnet-S", "relationship": "fine_tuned_from"}]},
        **_evidence(kind),
    }


def _simulated(identifier: str) -> Entry:
    network, answers = SIMULATED[identifier]
    size = hidden_network.INPUT_SIZE
    known: Entry = {"architecture": {"description": "Not a network: noise"}}
    if network is not None:
        known = {
            "architecture": {"family": CONVOLUTIONAL, "description": "Four stages V1, V2, V4, IT"},
            "parameter_count": sum(parameter.numel() for parameter in network().parameters()),
            "parameter_count_exact": True,
        }
    return {
        "model": {
            "display_name": f"{identifier} (simulated)",
            **known,
            "recurrent": False,
            "input_resolution": {"channels": 3, "height": size, "width": size},
            "visual_degrees": 7,
        },
        "training": {"process": f"Simulated, not trained: {answers}"},
        "io": {"modality": "image"},
        "use": {"limitations": ["Made for simulated benchmarks; says nothing about brains."]},
        "sources": {"code": CODE},
        "assertions": [{"path": "/model", "status": "verified", "sources": ["code"]}],
    }


def _architecture(name: str) -> Entry:
    import torch

    chosen = backbone(name)
    with torch.device("meta"):  # parameters are counted, not filled
        count = sum(parameter.numel() for parameter in chosen.build().parameters())
    family, description = ARCHITECTURES[name]
    return {
        "architecture": {"family": family, "description": description},
        "parameter_count": count,
        "parameter_count_exact": True,
        "recurrent": family == RECURRENT,
        "input_resolution": {"channels": 3, "height": chosen.image_size, "width": chosen.image_size},
        "visual_degrees": VISUAL_DEGREES,
    }


def _published(published: Published | None) -> Entry:
    if published is None:
        return {"weights_provider": "The store of whoever trained it: none are published"}
    return {
        "weights_provider": published.source,
        "checkpoint": f"{published.filename} ({published.known_hash})",
        "source_url": published.url,
    }


def _evidence(paper: str) -> Entry:
    """Sources and what they stand for; only what code can count is called verified."""
    url, citation = PAPERS[paper]
    return {
        "sources": {"paper": {"kind": "paper", "url": url, "citation": citation}, "code": CODE},
        "assertions": [
            {"path": "/model", "status": "verified", "sources": ["code"]},
            *({"path": path, "status": "probable", "sources": ["paper"]} for path in TOLD_BY_PAPERS),
        ],
    }


MODELS: dict[str, Callable[[str], Entry]] = {
    "baselines": _baseline,
    "realnet_eeg": _aligned,
    "realnet_fmri": _aligned,
    "simulated": _simulated,
}
PATTERNS = {"benchmark": "benchmarks/*/metadata.yml", "model": "models/*/metadata.yaml"}
FILES: dict[str, tuple[Callable[[str], Entry], str]] = {
    **{PATTERNS["benchmark"].replace("*", folder): (benchmarks, folder) for folder in DATA},
    **{PATTERNS["model"].replace("*", folder): (models, folder) for folder in MODELS},
}
"""File below the package -> the function that writes it and the plugin folder."""


if __name__ == "__main__":
    for name, (document, folder) in FILES.items():
        (PACKAGE / name).write_text(text(document(folder)), encoding="utf-8")
