"""Preparing THINGS-EEG2 from raw EEG: preprocessed once, subject by subject, into a set of its own in the store."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from brainscore_realnet.datasets._registered import set_folder
from brainscore_realnet.datasets.things_eeg2 import images
from brainscore_realnet.datasets.things_eeg2.conversion import register_raw_folder, usable_card, write_recording
from brainscore_realnet.datasets.things_eeg2.files import CHANNELS, NAME, SPLITS
from brainscore_realnet.datasets.things_eeg2.preprocessing import (
    REPETITIONS,
    SEED,
    check_options,
    epoch_times,
    preprocess,
)
from brainscore_realnet.datasets.things_eeg2.raw import SESSIONS, raw_paths
from brainscore_realnet.datasets.things_eeg2.raw_folders import raw_folders, raw_sources, remember_hashes
from brainscore_realnet.datasets.things_eeg2.recordings import card_path, how_to_get
from brainscore_realnet.datasets.things_eeg2.variants import Variant, variant_of
from brainscore_realnet.errors import BadInputError, MissingDataError
from brainscore_realnet.store import folder as store_folder
from brainscore_realnet.store import lock

METHOD_VERSION = 1
"""Increased whenever the same raw EEG comes to lead to other numbers; older results are then made again."""


def prepare(
    subjects: Sequence[str] | None = None,
    *,
    folder: str | Path | None = None,
    mvnn: str | None = "training",
    sfreq: int = 100,
    name: str = NAME,
    progress: bool = True,
) -> dict[str, Any]:
    """Preprocess raw EEG as the authors did and store it under a name that tells the options.

    ``open_subject(subject, split, name=summary["name"])`` opens the result, whose images are those of `name`. It is
    safe to interrupt it, to run it again and to run it twice at once: finished subjects stay and are not redone.

    Parameters
    ----------
    subjects : sequence of str, optional
        ``"sub-01"`` …; all whose raw EEG is registered by default.
    folder : path, optional
        Holds ``sub-XX/ses-0Y/raw_eeg_{training,test}.npy`` and is registered first; by default what `add` has
        registered is used.
    mvnn : {"training", "authors", None}
        Which trials' covariance whitens; with "authors", as published, that of the test trials too.
    sfreq : {100, 250}
        Samples a second of the result.
    name : str
        The data set in the store whose raw EEG it is.
    progress : bool
        Show a progress bar.

    Returns
    -------
    dict
        ``name`` (of the prepared set), ``folder`` (where it lies, str), ``converted`` and ``kept`` (lists such as
        ``"sub-01 test"``), ``images`` (hash by split of the registered ones), ``absent`` (sentences).

    Raises
    ------
    MissingDataError
        No raw EEG is registered, not of a subject, or a session's file is missing.
    BadFileError
        A raw file is not what it should be; subjects that were prepared before it stay.
    BadInputError
        An option that there is not, a name that was prepared itself, or a simulated folder for a set that is not.
    RealnetError
        MNE is not installed.
    StoreError
        The store cannot be written.
    """
    check_options(mvnn, sfreq)
    if variant_of(name):
        raise BadInputError(f"Got {name!r}, which is a prepared set: expected the name of the set with the raw EEG.")
    if folder is not None:
        register_raw_folder(folder, name)
    variant = Variant(name, mvnn, sfreq)
    registered = raw_folders(name)
    chosen = sorted({*registered} if subjects is None else {*subjects})
    if not chosen:
        raise MissingDataError(
            f"Got no raw EEG in {set_folder(name)}: expected registered folders sub-XX/ses-0Y. To get it, "
            f"{how_to_get(variant.name)}"
        )
    for subject in chosen:
        card_path(subject, SPLITS[0], variant.name)  # refuses malformed subjects before long work
    store_folder("data", variant.name)
    summary: dict[str, Any] = {"name": variant.name, "folder": str(set_folder(variant.name))}
    summary |= {"converted": [], "kept": []}
    with _progress_bar(len(chosen) * len(SESSIONS), progress) as bar:
        for subject in chosen:
            bar.set_description(subject)
            new = _prepare_subject(subject, variant, bar)
            summary["converted" if new else "kept"] += [f"{subject} {split}" for split in SPLITS]
    summary["images"] = {
        split: images.open_images(split, name).sha256 for split in SPLITS if images.has_images(split, name)
    }
    summary["absent"] = [
        f"{split} images: register them with add" for split in SPLITS if split not in summary["images"]
    ]
    return summary


def _prepare_subject(subject: str, variant: Variant, bar: Any) -> bool:
    """Prepare a subject unless it is there; tell whether it was prepared now."""
    with lock(f"{variant.name}-{subject}"):
        lists = images.metadata(variant.parent)
        expect = {split: len(lists[split].files) if lists else None for split in SPLITS}
        cards = {split: usable_card(subject, split, variant.name) for split in SPLITS}
        usable = all(
            card and card["source"].get("method") == _method(variant) and expect[split] in (None, card["shape"][0])
            for split, card in cards.items()
        )
        try:
            sources = raw_sources(subject, variant.parent)
        except MissingDataError:
            if not usable:
                raise
            bar.update(len(SESSIONS))  # the raw EEG may be deleted once it was prepared
            return False
        remember_hashes(subject, sources, variant.parent)
        hashes = [source["sha256"] for source in sources]
        if usable and all(_hashes_of(card) == hashes for card in cards.values()):
            bar.update(len(SESSIONS))
            return False
        prepared = preprocess(
            raw_paths(raw_folders(variant.parent)[subject]),
            variant.mvnn,
            variant.sfreq,
            expect,
            bar.update,
        )
        times = epoch_times(variant.sfreq)
        source = {"path": str(Path(sources[0]["path"]).parents[1]), "files": sources, "method": _method(variant)}
        source["versions"] = _versions()
        for split in SPLITS:
            content = {"data": prepared.pop(split), "ch_names": list(CHANNELS), "times": times}
            write_recording(content, source, subject, split, variant.name)
        return True


def _hashes_of(card: dict[str, Any] | None) -> list[str]:
    return [source["sha256"] for source in card["source"].get("files", [])] if card else []


def _method(variant: Variant) -> dict[str, Any]:
    """Say how the responses were made, as the card tells it: all that changes the numbers but the packages."""
    return {
        "what": "preprocessed from raw EEG as Gifford et al. 2022",
        "mvnn": variant.mvnn,
        "sfreq": variant.sfreq,
        "repetitions_a_session": REPETITIONS,
        "seed": SEED,
        "version": METHOD_VERSION,
    }


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {package: version(package) for package in ("mne", "scikit-learn", "numpy")}


def _progress_bar(total: int, show: bool) -> Any:
    from tqdm import tqdm

    return tqdm(total=total, unit="session", disable=not show)
