"""RSA benchmarks of this package as plugins that stand alone: a data plugin with neural RDMs, and one that scores.

Neither kernels nor readers travel: RDMs and noise ceilings are computed here. All benchmarks of one data set share the
two plugins.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.scoring.enable import PACKAGE
from brainscore_realnet.scoring.loading import load_benchmark
from brainscore_realnet.submission.exporting.exportable import Exportable
from brainscore_realnet.submission.exporting.scored_benchmark import Scored, neural_assembly, scored_by_stand_in
from brainscore_realnet.submission.exporting.travelling import travelling
from brainscore_realnet.submission.layout import Plugin
from brainscore_realnet.submission.uploads import FOLDERS, Upload, described, placed

if TYPE_CHECKING:
    from brainscore_realnet.adapters.packaging import Packaged

_TRAVELS = "brainscore_realnet.submission.exporting.travels"
_NOTE_RIGHTS = (
    "The stimulus set {stimuli} holds the data set's images. Upload it only if you have the right to share them, and "
    "ask Brain-Score for a private bucket where they may not be public."
)
_NOTE_SIMULATED = "{name} is simulated: it is there to try the export. Do not upload it."
_NOTE_TOGETHER = (
    "Export all benchmarks of {name} that you want to submit together: they share the data {stimuli} and {rdms}, and "
    "what is registered twice cannot be loaded."
)
_NOTE_PARENT = "{identifier} is a part of {parent}, which Brain-Score has to have: export both together."


def benchmark_plugins(identifiers: Sequence[str], places: Mapping[str, Upload], work: Path) -> list[Exportable]:
    """Package benchmarks of this package: a data plugin and a benchmark plugin for each data set.

    Parameters
    ----------
    identifiers : sequence of str
        As registered, such as ``ThingsEEG2-rsa``; options of benchmarks are not exported.
    places : mapping of str to Upload
        File name to where the file was uploaded; the others are to be uploaded.
    work : Path
        Folder for the packaged files.

    Returns
    -------
    list of Exportable
        For each data set the data plugin with its files, then the benchmark plugin.

    Raises
    ------
    BadInputError
        No RSA benchmark of ours, or one that asks for a layer that only our models name; something else was uploaded.
    UnknownIdentifierError, MissingDataError
        No such benchmark; its recordings or images are not in the store.
    StoreError
        The folder cannot be written.
    """
    benchmarks = {identifier: exportable_benchmark(identifier) for identifier in identifiers}
    # Everything that is missing is told before anything is computed.
    for benchmark in benchmarks.values():
        benchmark.require_data()
    of_data_set: dict[str, list[Scored]] = {}
    for identifier, benchmark in benchmarks.items():
        of_data_set.setdefault(headline_of(identifier), []).append(scored_by_stand_in(identifier, benchmark))
    return [each for scored in of_data_set.values() for each in _plugins(scored, places, work)]


def of_wildcards_left_out(identifiers: Sequence[str], patterns: Sequence[str]) -> tuple[str, ...]:
    """Give the benchmarks of a layer that only models of this package name, unless they were asked for by name.

    Parameters
    ----------
    identifiers : sequence of str
        What the patterns stand for.
    patterns : sequence of str
        What was typed.
    """
    return tuple(one for one in identifiers if ".readout-" in one and one not in patterns)


def exportable_benchmark(identifier: str) -> Any:
    """Load a benchmark; raises BadInputError unless any model can be scored on it."""
    from brainscore_realnet.adapters.model_rdms import AREAS
    from brainscore_realnet.adapters.rsa_benchmark import RSABenchmark

    benchmark = load_benchmark(identifier)
    if not isinstance(benchmark, RSABenchmark):
        raise BadInputError(
            f"Got {identifier}, which is no RSA benchmark of this package; expected one such as ThingsEEG2-rsa. "
            "`brainscore list benchmarks` shows all."
        )
    others = [area for area in benchmark.areas if area not in AREAS]
    if others:
        raise BadInputError(
            f"Got {identifier}, which compares {', '.join(others)}: only models of this package name a layer for it. "
            f"Expected areas that every model has ({', '.join(AREAS)}); export {headline_of(identifier)}-rsa."
        )
    return benchmark


def headline_of(identifier: str) -> str:
    """Turn ``Shen2019shapes.V1-rsa`` into ``Shen2019shapes``: what all benchmarks of the same stimuli share."""
    return identifier.partition(".")[0].removesuffix("-rsa")


def _plugins(scored: Sequence[Scored], places: Mapping[str, Upload], work: Path) -> list[Exportable]:
    """Give the data plugin and the benchmark plugin of one data set."""
    from brainscore_realnet.adapters.packaging import package_assembly, package_stimulus_set

    benchmark = scored[0].benchmark
    headline = headline_of(scored[0].identifier)
    folder = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", headline).lower() + "_rsa"
    stimuli = benchmark.data.stimuli()
    # Brain-Score looks sets up by their registered name.
    stimuli.identifier = stimuli.identifier.partition("--")[0]
    packaged = [
        package_stimulus_set(stimuli, work),
        package_assembly(neural_assembly(scored, stimuli, f"{stimuli.identifier}_rdms"), work),
    ]
    uploads = {
        path: placed(described(path, "data", FOLDERS["data"]), places) for each in packaged for path in each.files
    }
    names = {"name": headline, "stimuli": packaged[0].identifier, "rdms": packaged[1].identifier}
    notes = [_NOTE_RIGHTS.format(**names), _NOTE_TOGETHER.format(**names)]
    if benchmark.data.simulated:
        notes = [_NOTE_SIMULATED.format(**names)]
    exported = {each.identifier for each in scored}
    parts = [each for each in scored if each.benchmark.parent not in {*exported, "IT"}]
    return [
        Exportable(
            Plugin("data", folder, _data_files(packaged, uploads, benchmark.bibtex)),
            tuple((upload, path) for path, upload in uploads.items()),
            tuple(notes),
        ),
        Exportable(
            Plugin("benchmarks", folder, _benchmark_files(scored, packaged)),
            notes=tuple(
                _NOTE_PARENT.format(identifier=each.identifier, parent=each.benchmark.parent) for each in parts
            ),
        ),
    ]


def _data_files(packaged: Sequence["Packaged"], uploads: Mapping[Path, Upload], bibtex: str) -> dict[str, bytes]:
    """Files of the data plugin."""
    stimuli, rdms = packaged
    settings = {
        "stimulus_set": _loading_arguments(stimuli, uploads),
        "assembly": _loading_arguments(rdms, uploads),
        "bibtex": bibtex,
    }
    registrations = f'''"""Stimuli and neural RDMs for benchmarks by representational similarity."""

from brainscore_vision import data_registry, stimulus_set_registry

from .data import get_assembly, get_stimulus_set, settings

BIBTEX = settings()["bibtex"]

stimulus_set_registry["{stimuli.identifier}"] = get_stimulus_set
data_registry["{rdms.identifier}"] = get_assembly
'''
    copies = travelling({f"{_TRAVELS}.data": "data", f"{_TRAVELS}.data_tests": "test"})
    return _encoded({"__init__.py": registrations, "data.json": _json(settings), **copies})


def _loading_arguments(packaged: "Packaged", uploads: Mapping[Path, Upload]) -> dict[str, Any]:
    """Give what Brain-Score's loader takes, with the files where they were uploaded."""
    of_files = [uploads[path] for path in packaged.files]
    buckets = sorted({f"{upload.bucket}/{upload.folder}" for upload in of_files})
    if len(buckets) > 1:
        raise BadInputError(
            f"Got {' and '.join(buckets)} for the files of {packaged.identifier}; expected one bucket and folder, "
            "which is all that Brain-Score's loader takes. Upload them to the same place."
        )
    arguments: dict[str, Any] = {**packaged.loading_arguments(buckets[0])}
    if len(of_files) == 1:
        return arguments | {"version_id": of_files[0].version_id}
    return arguments | {
        f"{path.suffix[1:]}_version_id": upload.version_id
        for path, upload in zip(packaged.files, of_files, strict=True)
    }


def _benchmark_files(scored: Sequence[Scored], packaged: Sequence["Packaged"]) -> dict[str, bytes]:
    """Files of the benchmark plugin."""
    benchmark = scored[0].benchmark
    settings = {
        "stimulus_set": packaged[0].identifier,
        "assembly": packaged[1].identifier,
        "visual_degrees": benchmark.data.visual_degrees,
        "time_bin": list(scored[0].time_bin),
        "benchmarks": {each.identifier: each.settings for each in scored},
        "bibtex": benchmark.bibtex,
    }
    lines = [f'benchmark_registry["{each.identifier}"] = lambda: get_benchmark("{each.identifier}")' for each in scored]
    registrations = '''"""Benchmarks by representational similarity; ``benchmark.json`` describes them."""

from brainscore_vision import benchmark_registry

from .benchmark import get_benchmark

'''
    copies = travelling({f"{_TRAVELS}.rsa_benchmark": "benchmark", f"{_TRAVELS}.benchmark_tests": "test"})
    return _encoded(
        {
            "__init__.py": registrations + "\n".join(lines) + "\n",
            "benchmark.json": _json(settings),
            "metadata.yml": _metadata([each.identifier for each in scored]),
            **copies,
        }
    )


def _metadata(identifiers: Sequence[str]) -> str:
    """Give the entries of benchmarks in this package's own ``metadata.yml``."""
    import yaml

    entries: dict[str, Any] = {}
    for path in sorted((PACKAGE / "benchmarks").glob("*/metadata.yml")):
        entries |= yaml.safe_load(path.read_text(encoding="utf-8"))["benchmarks"]
    chosen = {"benchmarks": {identifier: entries[identifier] for identifier in identifiers}}
    return str(yaml.safe_dump(chosen, sort_keys=False, allow_unicode=True, width=10**6))


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def _encoded(files: Mapping[str, str]) -> dict[str, bytes]:
    return {name: text.encode("utf-8") for name, text in sorted(files.items())}
