"""``brainscore data``: get data sets, check them, prepare them, see what is there, delete them."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from brainscore_realnet.cli.table import size
from brainscore_realnet.errors import BadInputError

Name = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME")]
AnyName = Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(metavar="[NAME]")]


@dataclass(frozen=True)
class Fetch:
    """Download a data set, verify it and register it; what is ready is not fetched again.

    It can be interrupted at any time: the same command continues.
    """

    dataset: Name
    """Data set: things-eeg2, shen2019, horikawa2017, things-dimensions or macaque-it."""
    parts: tuple[str, ...] = ()
    """Parts, e.g. of things-eeg2 images, preprocessed or raw (default: what scoring needs)."""
    subjects: tuple[str, ...] = ()
    """Subjects, as in 1 2 or 1-10 (default: all)."""
    splits: tuple[str, ...] = ()
    """Splits, e.g. test (default: all)."""
    keep_archives: bool = False
    """Keep archives that were unpacked and files that were converted."""

    def run(self) -> None:
        """Fetch and print what was fetched and what must be asked for."""
        from brainscore_realnet.datasets.catalogue import fetch

        summary = fetch(
            self.dataset,
            self.parts or None,
            self.subjects or None,
            self.splits or None,
            keep_archives=self.keep_archives,
        )
        print(f"{summary['name']} in {summary['folder']}")
        print(f"  fetched        {', '.join(summary['fetched']) or 'nothing new'}")
        print(f"  already there  {', '.join(summary['ready']) or 'nothing'}")
        for sentence in summary["requests"]:
            print(sentence)


@dataclass(frozen=True)
class Add:
    """Register a folder with a data set that was downloaded by hand: check it and convert what needs it, once."""

    dataset: Name
    """Data set: things-eeg2, shen2019, horikawa2017, things-dimensions or macaque-it."""
    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
    """Folder with the published files; archives unpacked."""

    def run(self) -> None:
        """Register and print what was found."""
        from brainscore_realnet.datasets.catalogue import find

        summary = find(self.dataset).add(self.folder)
        _print_summary(summary)
        if summary["absent"]:
            print(
                f"  absent         {len(summary['absent'])} item{'s' * (len(summary['absent']) > 1)}: "
                f"`brainscore data status {self.dataset}` lists what is missing"
            )


@dataclass(frozen=True)
class Prepare:
    """Compute what is made of a data set before it is used: EEG from raw recordings, targets of training from fMRI."""

    dataset: Name
    """Data set: things-eeg2, shen2019 or horikawa2017."""
    subjects: tuple[str, ...] = ()
    """Subjects, as in 1 2 or 1-10 (default: all that are there)."""
    mvnn: Literal["authors", "training", "none"] | None = None
    """things-eeg2: which trials' covariance whitens; `authors`, as published, that of the test trials too (default:
    training)."""
    sfreq: Literal[100, 250] | None = None
    """things-eeg2: samples a second (default: 100)."""
    n_components: int | None = None
    """shen2019 and horikawa2017: principal components of the training targets (default: 1024)."""

    def run(self) -> None:
        """Prepare and print what was made."""
        from brainscore_realnet.datasets.catalogue import choose_subjects, find

        data_set = find(self.dataset)
        options: dict[str, Any] = {"mvnn": self.mvnn, "sfreq": self.sfreq, "n_components": self.n_components}
        options = {key: value for key, value in options.items() if value is not None}
        data_set.require_options(options)
        if options.get("mvnn") == "none":
            options["mvnn"] = None
        subjects = choose_subjects(self.subjects or None, data_set)
        _print_summary(data_set.module().prepare(subjects=subjects, name=self.dataset, **options))


@dataclass(frozen=True)
class Status:
    """Show which data sets are there, what is missing and how to get it."""

    dataset: AnyName = None
    """Data set (default: all)."""

    def run(self) -> None:
        """Print one line a data set of which nothing is there, else one line an item."""
        for data_set, rows in _rows(self.dataset):
            if self.dataset is None and all(row["state"] == "missing" for row in rows):
                print(f"{data_set.name:<18} nothing yet: `brainscore data fetch {data_set.name}`  {data_set.title}")
                continue
            _print_rows(f"{data_set.name}: {data_set.title}", rows)
            _print_how_to_get(data_set, rows)
            print(f"  page: {data_set.page}  licence: {data_set.licence}")
            for name in data_set.prepared_names():
                _print_rows(f"{name}: prepared", data_set.status(name=name))


@dataclass(frozen=True)
class Verify:
    """Hash everything again that is there; exit status 1 when something is broken."""

    dataset: AnyName = None
    """Data set (default: all)."""

    def run(self) -> None:
        """Print what is there and whether it is what it was."""
        broken: Counter[str] = Counter()
        for data_set, rows in _rows(self.dataset, thorough=True):
            prepared = {name: data_set.status(thorough=True, name=name) for name in data_set.prepared_names()}
            for name, checked in {data_set.name: rows, **prepared}.items():
                there = [row for row in checked if row["state"] != "missing"]
                if there:
                    _print_rows(name, there)
                broken.update(data_set.name for row in there if row["state"] == "broken")
        if not broken:
            print("Nothing is broken.")
            return
        print(f"{broken.total()} broken")
        for name in broken:
            print(
                f"To mend it: brainscore data remove {name} --yes (with --downloads or --converted if only these are "
                "broken), then fetch, add or prepare it again."
            )
        raise SystemExit(1)


@dataclass(frozen=True)
class Remove:
    """Delete a data set's downloads and converted data from the store; folders of your own that were added stay."""

    dataset: Name
    """Data set: things-eeg2, shen2019, horikawa2017, things-dimensions or macaque-it."""
    downloads: bool = False
    """Only what `fetch` downloaded: converted data stay, but files that are used where they lie are gone."""
    converted: bool = False
    """Only what was converted and prepared: it can be made again from the downloads."""
    yes: bool = False
    """Do it; without, it is only told what would be deleted."""

    def run(self) -> None:
        """Delete, or refuse and tell what would be deleted."""
        from brainscore_realnet.datasets.catalogue import KINDS, removable, remove

        chosen = tuple(kind for kind in KINDS if getattr(self, kind)) or KINDS
        if not self.yes:
            listed = "".join(
                f"\n  {folder} ({size(n_bytes)})" for folder, n_bytes in removable(self.dataset, chosen).items()
            )
            raise BadInputError(
                f"Got no --yes. This would delete:{listed or ' nothing'}\nRun the same command with --yes to go ahead."
            )
        freed = remove(self.dataset, chosen)
        for folder, n_bytes in freed.items():
            print(f"Deleted {folder} ({size(n_bytes)})")
        print(f"{size(sum(freed.values()))} freed" if freed else f"Nothing of {self.dataset} is in the store.")


@dataclass(frozen=True)
class Export:
    """Write a data set as the files that Brain-Score itself loads: stimuli as .csv and .zip, assemblies as .nc."""

    identifier: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="IDENTIFIER")]
    """Data or stimulus set, such as Shen2019.sub01_test; `brainscore list data` shows them."""
    out: Path
    """Folder to write to; made if absent."""
    brainio_home: Path | None = None
    """Also copy the files to this folder in the way in which Brain-Score finds them offline through BRAINIO_HOME."""

    def run(self) -> None:
        """Write the files and print how Brain-Score loads them."""
        from brainscore_realnet.scoring.exporting import export

        for packaged in export(self.identifier, self.out, self.brainio_home):
            for path in packaged.files:
                print(f"{path} ({size(path.stat().st_size)})")
            loader = "load_assembly_from_s3" if len(packaged.files) == 1 else "load_stimulus_set_from_s3"
            arguments = ", ".join(f"{name}={value!r}" for name, value in packaged.loading_arguments().items())
            print(f"  {loader}({arguments}{', cls=NeuroidAssembly' if len(packaged.files) == 1 else ''})")


def _rows(name: str | None, thorough: bool = False) -> Any:
    """Give data sets, one or all, with the rows of their status."""
    from brainscore_realnet.datasets.catalogue import DATA_SETS, find

    for data_set in DATA_SETS.values() if name is None else [find(name)]:
        yield data_set, data_set.status(thorough)


def _print_rows(title: str, rows: list[dict[str, str]]) -> None:
    print(title)
    width = max([20, *(len(row["what"]) for row in rows)])
    for row in rows:
        detail = row["detail"] if row["state"] != "missing" else ""
        print(f"  {row['what']:<{width}} {row['state']:<8} {detail}".rstrip())


def _print_how_to_get(data_set: Any, rows: list[dict[str, str]]) -> None:
    states = {row["what"]: row["state"] for row in rows}
    if set(states.values()) - {"ready"}:
        print(f"  to get what is missing or broken: brainscore data fetch {data_set.name}")
    for request in data_set.requests:
        if request.lacking(states):
            print(f"  {request.how}")


def _print_summary(summary: dict[str, Any]) -> None:
    print(summary["name"] + (f" from {summary['folder']}" if "folder" in summary else ""))
    told = {"converted": "nothing new", "prepared": "nothing new", "kept": "nothing", "images": "none"}
    for key, nothing in told.items():
        if key in summary:
            print(f"  {'already there' if key == 'kept' else key:<13}  {', '.join(summary[key]) or nothing}")
    for note in summary.get("notes", ()):
        print(f"  {note}")
