"""Floor 0: the store's folders, hashes, atomic writes, locks, downloads, archives, weights, results and safe reader.

Importing it is light: torch, pandas and pooch are imported by the functions that need them.
"""

from brainscore_realnet.store import weights
from brainscore_realnet.store.archives import extract
from brainscore_realnet.store.atomic import (
    atomic_file,
    atomic_folder,
    lock,
    read_json,
    write_array,
    write_json,
    write_text,
)
from brainscore_realnet.store.download import DownloadError, download
from brainscore_realnet.store.folders import folder, home, require_space
from brainscore_realnet.store.hashing import file_hash, sha256_array, sha256_bytes, sha256_file, sha256_files
from brainscore_realnet.store.results import cached, use_store
from brainscore_realnet.store.unpickling import load_dict_npy

__all__ = [
    "DownloadError",
    "atomic_file",
    "atomic_folder",
    "cached",
    "download",
    "extract",
    "file_hash",
    "folder",
    "home",
    "load_dict_npy",
    "lock",
    "read_json",
    "require_space",
    "sha256_array",
    "sha256_bytes",
    "sha256_file",
    "sha256_files",
    "use_store",
    "weights",
    "write_array",
    "write_json",
    "write_text",
]
