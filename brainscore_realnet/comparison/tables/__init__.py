"""All tables of a comparison; `schema.TABLES` says what their columns mean."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from brainscore_realnet.comparison.comparison import Comparison
from brainscore_realnet.comparison.settings import Settings
from brainscore_realnet.comparison.tables import contrasts, gains, listings, modalities, variability, variants
from brainscore_realnet.comparison.tables.blocks import pairs
from brainscore_realnet.comparison.tables.schema import TABLES

if TYPE_CHECKING:
    from pandas import DataFrame


def tables(comparison: Comparison, settings: Settings) -> dict[str, "DataFrame"]:
    """Compute the statistics of a comparison.

    Parameters
    ----------
    comparison : Comparison
    settings : Settings
        Seeds and numbers of draws.

    Returns
    -------
    dict of str to pandas.DataFrame
        Every table of `schema.TABLES` with its columns in their order; without rows where nothing applies. Cells that
        do not apply are None or NaN.
    """
    compared = tuple(pairs(comparison))
    of_models = tuple(modalities.modalities(comparison))
    between_models = tuple(variability.variability(comparison))
    rows: dict[str, Iterable[Mapping[str, Any]]] = {
        "scores": listings.scores(comparison),
        "families": gains.families(comparison, settings),
        "tests": contrasts.tests(comparison, compared),
        "clusters": contrasts.clusters(compared, settings),
        "improvements": gains.improvements(compared, settings),
        "improvements_of_subjects": gains.improvements_of_subjects(compared),
        "generalisation": listings.generalisation(comparison),
        "modalities": of_models,
        "correlations": modalities.correlations(of_models),
        "variability": between_models,
        "variants": variants.variants(comparison, between_models),
    }
    blocks = {"similarities": listings.similarities(comparison), "ceilings": listings.ceilings(comparison)}
    return {
        name: _from_columns(name, blocks[name]) if name in blocks else _from_rows(name, rows[name]) for name in TABLES
    }


def _from_rows(name: str, rows: Iterable[Mapping[str, Any]]) -> "DataFrame":
    from pandas import DataFrame

    return DataFrame(list(rows), columns=list(TABLES[name]))


def _from_columns(name: str, blocks: Iterable[listings.Columns]) -> "DataFrame":
    from pandas import DataFrame

    columns: dict[str, list[np.ndarray]] = {column: [] for column in TABLES[name]}
    for block in blocks:
        n_rows = max(len(cells) for cells in block.values() if isinstance(cells, np.ndarray))
        for column, cells in block.items():
            alike = not isinstance(cells, np.ndarray)
            plain = object if isinstance(cells, str | None) else None
            columns[column].append(np.full(n_rows, cells, dtype=plain) if alike else cells)
    return DataFrame({column: np.concatenate(parts) if parts else [] for column, parts in columns.items()})
