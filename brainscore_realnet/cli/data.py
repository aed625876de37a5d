"""``brainscore data``: register a download, see what is there."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True)
class Add:
    """Register a downloaded data set: check it and convert it once into the store."""

    dataset: Annotated[Literal["things-eeg2"], tyro.conf.Positional]
    """Data set."""
    folder: Annotated[Path, tyro.conf.Positional]
    """Folder of the download, with sub-XX/preprocessed_eeg_test.npy, image_metadata.npy and test_images/."""

    def run(self) -> None:
        """Convert and print what was found."""
        from brainscore_realnet.datasets import things_eeg2

        summary = things_eeg2.add(self.folder, self.dataset)
        print(f"{summary['name']} from {summary['folder']}")
        print(f"  converted      {', '.join(summary['converted']) or 'nothing new'}")
        print(f"  already there  {', '.join(summary['kept']) or 'nothing'}")
        print(f"  images         {', '.join(summary['images']) or 'none'}")
        if summary["absent"]:
            print(f"  absent         {len(summary['absent'])} parts: `brainscore data status` lists them")


@dataclass(frozen=True)
class Status:
    """Show which data sets are there, what is missing and how to get it."""

    def run(self) -> None:
        """Print one line an item, and at the end how to get what is missing."""
        from brainscore_realnet.datasets import things_eeg2

        rows = things_eeg2.status()
        print("things-eeg2")
        for row in rows:
            detail = row["detail"] if row["state"] != "missing" else ""
            print(f"  {row['what']:<20} {row['state']:<8} {detail}".rstrip())
        for how in dict.fromkeys(row["how"] for row in rows if row["how"]):
            print(f"To get what is missing: {how}")
