"""The folder of a comparison: its results as files, and whether they may be written there.

``results.json``
    schema, version
        Of the tables, see `schema`.
    created
        UTC, ISO 8601.
    simulated
        Whether anything in it is.
    versions, machine
        What made the tables.
    plan
        What was compared, as `plan_of` gives it.
    settings
        Of the statistics.
    summaries
        Sentences.
    provenance
        Of every score, see `provenances`.
    tables
        Name to ``{"columns": [...], "data": [[...], ...]}``, a row a line, numbers in full precision.
``results.csv``, ``statistics.csv``
    The tables ``similarities`` and ``tests``.

``results.json`` is written before everything else, so that it tells whose the folder is. Other files in the folder are
let alone; a folder without ``results.json`` that has a file by a name of ours is not written to unasked.
"""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from brainscore_realnet.comparison import provenances
from brainscore_realnet.comparison.comparison import Comparison
from brainscore_realnet.comparison.settings import Settings
from brainscore_realnet.comparison.tables.schema import SCHEMA, VERSION
from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError
from brainscore_realnet.store.atomic import read_json, require_writable, write_text
from brainscore_realnet.store.versions import machine, versions

if TYPE_CHECKING:
    from pandas import DataFrame

RESULTS = "results.json"
CSV_OF = {"results.csv": "similarities", "statistics.csv": "tests"}
"""Name of a file to the table in it"""
BESIDE = (*CSV_OF, "index.html", "figures")
"""What is written beside `RESULTS`"""

_LONGEST_LIST = 6


@dataclass(frozen=True, eq=False)
class Results:
    """What `write_results` wrote."""

    tables: "dict[str, DataFrame]"
    """As `schema.TABLES` describes them; cells that do not apply are None or NaN"""
    record: dict[str, Any]
    """All else of ``results.json``"""


def plan_of(models: Sequence[str], baselines: Sequence[str], benchmarks: Sequence[Any], settings: Settings) -> dict:
    """Say what a comparison is of, as JSON can express it.

    Parameters
    ----------
    models, baselines : sequence of str
        Identifiers.
    benchmarks : sequence of RSABenchmark
    settings : Settings

    Returns
    -------
    dict
        ``models``, ``baselines``; ``benchmarks``, identifier to version; ``options``, identifier to all options;
        ``settings``; ``schema_version``.
    """
    plan = {
        "models": list(models),
        "baselines": list(baselines),
        "benchmarks": {benchmark.identifier: benchmark.version for benchmark in benchmarks},
        "options": {benchmark.identifier: asdict(benchmark.options) for benchmark in benchmarks},
        "settings": asdict(settings),
        "schema_version": VERSION,
    }
    return json.loads(json.dumps(plan))


def check_folder(out: str | Path, plan: Mapping[str, Any], *, rescore: bool = False, replaced: bool = False) -> None:
    """Refuse, before anything is scored, a folder that holds something else; it is made if absent.

    Results of the same models, baselines, benchmarks and options may be written over, with other settings too: the same
    command, or one with other seeds, goes on there.

    Parameters
    ----------
    out : path
    plan : mapping
        From `plan_of`.
    rescore : bool
        Whether results of another version of a benchmark may be written over.
    replaced : bool
        Whether everything of ours may be written over that is there.

    Raises
    ------
    BadInputError
        It holds another comparison, results of another version of a benchmark, or files by names of ours that no
        ``results.json`` accounts for.
    BadFileError
        Its ``results.json`` is truncated, of another schema or something else.
    StoreError
        It cannot be written to.
    """
    out = Path(out)
    require_writable(out / RESULTS)
    if replaced:
        return
    if not (out / RESULTS).exists():
        if strange := [name for name in BESIDE if (out / name).exists()]:
            raise BadInputError(
                f"Got {out}, which has {_listed(strange)} but no {RESULTS}: expected a folder in which no file of "
                "others is overwritten. Choose another, or give --replace."
            )
        return
    there = _read(out / RESULTS)["plan"]
    if different := _differences(there, plan):
        raise BadInputError(
            f"Got {out}, which holds another comparison ({'; '.join(different)}): expected a new folder, or results of "
            "the same. Choose another folder, or give --replace."
        )
    versions_there = {
        name: (version, plan["benchmarks"][name])
        for name, version in there["benchmarks"].items()
        if version != plan["benchmarks"][name]
    }
    if versions_there and not rescore:
        told = ", ".join(f"version {old} of {name} instead of {new}" for name, (old, new) in versions_there.items())
        raise BadInputError(
            f"Got {out}, whose results were made with {told}: expected the same version, since scores of two versions "
            "cannot be compared. Give --rescore to replace them by new ones, or choose another folder."
        )


def write_results(
    out: str | Path,
    comparison: Comparison,
    tables: "Mapping[str, DataFrame]",
    settings: Settings,
    summaries: Sequence[str],
    plan: Mapping[str, Any],
    figures: Collection[str] = (),
) -> None:
    """Write ``results.json`` and the CSV files, each whole or not at all; what is there by these names is replaced.

    Parameters
    ----------
    out : path
        Made if absent; see `check_folder`.
    comparison : Comparison
    tables : mapping of str to pandas.DataFrame
        See `schema.TABLES`.
    settings : Settings
    summaries : sequence of str
    plan : mapping
        From `plan_of`.
    figures : collection of str
        Names of the figures beside it, without endings.

    Raises
    ------
    StoreError
        It cannot be written.
    """
    out = Path(out)
    record = {
        "schema": SCHEMA,
        "version": VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "simulated": comparison.simulated,
        "versions": versions(),
        "machine": machine(),
        "plan": plan,
        "settings": asdict(settings),
        "summaries": list(summaries),
        "figures": sorted(figures),
        "provenance": provenances.gathered(comparison.scored),
    }
    text = _json(record).removesuffix("\n}")
    of_tables = ",\n".join(f"    {_json(name)}: {_table(table)}" for name, table in tables.items())
    write_text(out / RESULTS, f'{text},\n  "tables": {{\n{of_tables}\n  }}\n}}\n')
    for name, table in CSV_OF.items():
        write_text(out / name, tables[table].to_csv(index=False, lineterminator="\n"))


def figures_of(out: str | Path) -> set[str]:
    """Name the figures that a folder's ``results.json`` says are ours; none where it cannot be read."""
    try:
        names = _read(Path(out) / RESULTS).get("figures", ())
        return {name for name in names if Path(name).name == name}
    except (BadFileError, MissingDataError):
        return set()


def read_results(path: str | Path) -> Results:
    """Read what `write_results` wrote.

    Parameters
    ----------
    path : path
        ``results.json``, or its folder.

    Raises
    ------
    MissingDataError
        There is none.
    BadFileError
        It is truncated, of another schema or something else.
    """
    from pandas import DataFrame

    path = Path(path)
    path = path / RESULTS if path.is_dir() else path
    record = _read(path)
    tables = {}
    for name, table in record.pop("tables").items():
        try:
            tables[name] = DataFrame(table["data"], columns=table["columns"])
        except (KeyError, TypeError, ValueError) as error:
            raise _bad(path, f"whose table {name!r} is damaged ({type(error).__name__}: {error})") from error
    return Results(tables, record)


def _read(path: Path) -> dict[str, Any]:
    """Read ``results.json`` so far as it must be understood to know what it is of."""
    try:
        record = read_json(path)
    except (BadFileError, RecursionError) as error:
        n_bytes = path.stat().st_size
        raise _bad(path, f"which is truncated or no JSON ({n_bytes} bytes: {error.__cause__ or error})") from error
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise _bad(path, "which is not of a comparison")
    if record.get("version") != VERSION:
        raise _bad(path, f"of schema version {record.get('version')!r}")
    plan = record.get("plan")
    of_plan = {"models": list, "baselines": list, "benchmarks": dict, "options": dict}
    if (
        not isinstance(plan, dict)
        or not all(isinstance(plan.get(name), kind) for name, kind in of_plan.items())
        or not isinstance(record.get("tables"), dict)
    ):
        raise _bad(path, "which lacks a part")
    return record


def _bad(path: Path, what: str) -> BadFileError:
    return BadFileError(
        f"Got {path}, {what}: expected results of schema {SCHEMA}, version {VERSION}. Choose another folder, or make "
        "them again: the same `brainscore compare` with --replace, which scores nothing anew that is kept."
    )


def _differences(there: Mapping[str, Any], plan: Mapping[str, Any]) -> list[str]:
    """Say in what another plan differs but for versions and settings; the order does not count."""
    told = []
    for name in ("models", "baselines", "benchmarks"):
        old, new = ({str(one) for one in of[name]} for of in (there, plan))
        if old != new:
            parts = {"also": old - new, "not": new - old}
            told.append(f"{name}: " + ", ".join(f"{word} {_listed(of)}" for word, of in parts.items() if of))
    if not told:
        other = [name for name, options in plan["options"].items() if there["options"].get(name) != options]
        told += [f"other options of {name}" for name in other]
    return told


def _listed(names: Sequence[str] | set[str]) -> str:
    first = sorted(names)[:_LONGEST_LIST]
    return ", ".join(first) + (f" and {len(names) - len(first)} more" if len(names) > len(first) else "")


def _table(table: "DataFrame") -> str:
    """Lay a table out as JSON, a row a line."""
    columns = [[_cell(value) for value in table[name].tolist()] for name in table.columns]
    compact = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode
    rows = ",\n".join(f"      {compact(row)}" for row in zip(*columns, strict=True))
    head = json.dumps(list(table.columns), ensure_ascii=False)
    data = f"[\n{rows}\n    ]" if rows else "[]"
    return f'{{"columns": {head}, "data": {data}}}'


def _cell(value: Any) -> Any:
    """Turn a cell into what strict JSON knows; what is not a finite number is null."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False)
