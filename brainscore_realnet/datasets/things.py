"""THINGS concepts and their 49 SPoSE dimensions (Hebart et al. 2020, doi 10.1038/s41562-020-00951-3).

The rows of the embedding follow the table of item names. The number in a THINGS-EEG2 folder name follows plain ASCII
order, which differs for 20 concepts: concepts are joined by their uniqueID, never by number.
"""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError

N_CONCEPTS = 1854
N_DIMENSIONS = 49


def unique_id(concept_folder: str) -> str:
    """Give the uniqueID in the name of a concept's folder: ``"00001_aircraft_carrier"`` gives ``"aircraft_carrier"``.

    Raises
    ------
    BadInputError
        The name is not a number, ``_`` and a uniqueID.
    """
    match = re.fullmatch(r"\d+_(.+)", concept_folder)
    if match is None:
        raise BadInputError(
            f"Got concept folder {concept_folder!r}: expected a number, '_' and a uniqueID, "
            "as in '00001_aircraft_carrier'. "
            "Check the image metadata."
        )
    return match[1]


def read_item_names(path: str | Path) -> list[str]:
    """Read the uniqueIDs of the THINGS concepts in the order of the table's rows, which is that of the embedding's.

    Parameters
    ----------
    path : path
        ``item_names.tsv``: tab-separated with a header that names ``uniqueID``.

    Raises
    ------
    MissingDataError
        There is no such file.
    BadFileError
        The column is missing, or a uniqueID is empty or stands twice.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t")
            if "uniqueID" not in (rows.fieldnames or ()):
                raise BadFileError(
                    f"Got columns {rows.fieldnames} in {path}: expected a tab-separated table with a column uniqueID. "
                    "Download item_names.tsv again."
                )
            names = [row["uniqueID"] for row in rows]
    except FileNotFoundError as error:
        raise MissingDataError(
            f"Got no file at {path}: expected the table item_names.tsv of THINGS. Check the path."
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadFileError(f"Got {path}, which is no text table ({error}): download item_names.tsv again.") from error
    if not all(names) or len(set(names)) != len(names):
        raise BadFileError(
            f"Got {len(names)} rows with {len(set(filter(None, names)))} different uniqueIDs in {path}: expected one "
            "in each row. Download item_names.tsv again."
        )
    return names


def read_spose(path: str | Path) -> np.ndarray:
    """Read the SPoSE embedding.

    Parameters
    ----------
    path : path
        ``spose_embedding_49d_sorted.txt``, plain or compressed as ``.gz``.

    Returns
    -------
    ndarray, shape (1854, 49), float64
        Concept × dimension, rows in the order of `read_item_names`, no unit; a few values are slightly negative.

    Raises
    ------
    MissingDataError
        There is no such file.
    BadFileError
        It is no table of finite numbers of that shape.
    """
    try:
        embedding = np.loadtxt(path, dtype=np.float64, ndmin=2)
    except FileNotFoundError as error:
        raise MissingDataError(
            f"Got no file at {path}: expected the SPoSE embedding (https://osf.io/z2784/)."
        ) from error
    except (ValueError, EOFError, OSError) as error:
        raise BadFileError(
            f"Got {path}, which cannot be read as a table of numbers ({error}): expected {N_CONCEPTS} rows of "
            f"{N_DIMENSIONS}. Download it again from https://osf.io/z2784/."
        ) from error
    if embedding.shape != (N_CONCEPTS, N_DIMENSIONS) or not np.isfinite(embedding).all():
        raise BadFileError(
            f"Got an array of shape {embedding.shape} with {int((~np.isfinite(embedding)).sum())} values that are not "
            f"finite in {path}: expected {N_CONCEPTS} × {N_DIMENSIONS} finite numbers. "
            "Download it again from https://osf.io/z2784/."
        )
    return embedding


def concept_rows(unique_ids: Sequence[str], item_names: Sequence[str]) -> np.ndarray:
    """Give the embedding's row of each concept, joined by uniqueID.

    Parameters
    ----------
    unique_ids : sequence of str, length n
        Concepts in any order; repeats are allowed.
    item_names : sequence of str
        From `read_item_names`.

    Returns
    -------
    ndarray, shape (n,), int64
        ``item_names[rows[i]] == unique_ids[i]``.

    Raises
    ------
    BadInputError
        Some concepts are not in the table; they are named.
    """
    row_of = {name: row for row, name in enumerate(item_names)}
    unknown = sorted(set(unique_ids) - row_of.keys())
    if unknown:
        raise BadInputError(
            f"Got {len(unknown)} concepts that are not in the table of {len(row_of)}: {', '.join(unknown[:10])}"
            f"{' …' if len(unknown) > 10 else ''}. Expected uniqueIDs of THINGS; check names and their spelling."
        )
    return np.array([row_of[name] for name in unique_ids], dtype=np.int64)
