"""The data sets that can be fetched: a table of them, where their files are listed, fetching and removing them."""

from brainscore_realnet.datasets.catalogue.fetching import downloads_folder, fetch
from brainscore_realnet.datasets.catalogue.parts import DataSet, Form, Part, Request, choose_subjects
from brainscore_realnet.datasets.catalogue.removal import KINDS, removable, remove
from brainscore_realnet.datasets.catalogue.table import DATA_SETS, find

__all__ = [
    "DATA_SETS",
    "KINDS",
    "DataSet",
    "Form",
    "Part",
    "Request",
    "choose_subjects",
    "downloads_folder",
    "fetch",
    "find",
    "removable",
    "remove",
]
