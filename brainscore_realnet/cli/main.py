"""``brainscore``: dispatch to the commands, and turn errors that a user can mend into one message and status 2."""

import os
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated

import tyro

from brainscore_realnet.cli.compare import Compare
from brainscore_realnet.cli.data import Add, Export, Fetch, Prepare, Remove, Status, Verify
from brainscore_realnet.cli.demo import Demo
from brainscore_realnet.cli.list import List
from brainscore_realnet.cli.rdm import Compute
from brainscore_realnet.cli.rdm import Status as RDMStatus
from brainscore_realnet.cli.reproduce import Reproduce
from brainscore_realnet.cli.score import Score
from brainscore_realnet.cli.submit_check import SubmitCheck
from brainscore_realnet.cli.submit_export import SubmitExport
from brainscore_realnet.cli.sweep import SweepCommand
from brainscore_realnet.cli.train import TrainCommand
from brainscore_realnet.cli.weights import Export as WeightsExport
from brainscore_realnet.cli.weights import Import, WeightsList
from brainscore_realnet.cli.weights import Remove as WeightsRemove
from brainscore_realnet.errors import RealnetError

Data = Annotated[
    Annotated[Fetch, tyro.conf.subcommand("fetch")]
    | Annotated[Add, tyro.conf.subcommand("add")]
    | Annotated[Prepare, tyro.conf.subcommand("prepare")]
    | Annotated[Status, tyro.conf.subcommand("status")]
    | Annotated[Verify, tyro.conf.subcommand("verify")]
    | Annotated[Remove, tyro.conf.subcommand("remove")]
    | Annotated[Export, tyro.conf.subcommand("export")],
    tyro.conf.subcommand("data", description="Get data sets, check, prepare and export them, see what is there."),
]

RDM = Annotated[
    Annotated[Compute, tyro.conf.subcommand("compute")] | Annotated[RDMStatus, tyro.conf.subcommand("status")],
    tyro.conf.subcommand("rdm", description="Compute neural RDMs ahead of scoring and see what is there."),
]

Weights = Annotated[
    Annotated[Import, tyro.conf.subcommand("import")]
    | Annotated[WeightsExport, tyro.conf.subcommand("export")]
    | Annotated[WeightsList, tyro.conf.subcommand("list")]
    | Annotated[WeightsRemove, tyro.conf.subcommand("remove")],
    tyro.conf.subcommand("weights", description="Put weights of models into the store, write them out, see them."),
]

Submit = Annotated[
    Annotated[SubmitExport, tyro.conf.subcommand("export")] | Annotated[SubmitCheck, tyro.conf.subcommand("check")],
    tyro.conf.subcommand("submit", description="Pack submissions to Brain-Score, and check them before the upload."),
]

Command = (
    Annotated[Score, tyro.conf.subcommand("score")]
    | Annotated[Compare, tyro.conf.subcommand("compare")]
    | Annotated[List, tyro.conf.subcommand("list")]
    | Data
    | RDM
    | TrainCommand
    | SweepCommand
    | Weights
    | Submit
    | Annotated[Reproduce, tyro.conf.subcommand("reproduce")]
    | Annotated[Demo, tyro.conf.subcommand("demo")]
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: the process's own.

    Returns
    -------
    int
        0, or 2 after wrong input, or 130 after Ctrl-C (128 and the signal's number where training was asked to stop).
    """
    try:
        _run(arguments)
    except RealnetError as error:
        print(f"brainscore: {error}", file=sys.stderr)
        return error.exit_status
    except ModuleNotFoundError as error:
        print(
            f"brainscore: {error}. A plugin needs a package that is not installed: install it, or set "
            "BS_INSTALL_DEPENDENCIES=yes to let Brain-Score install what its plugins ask for.",
            file=sys.stderr,
        )
        return 2
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # a plugin of Brain-Score that could not reach its files or the network
        print(f"brainscore: {type(error).__name__}: {error}. Check the path or the network.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("brainscore: interrupted", file=sys.stderr)
        return 130
    return 0


def _run(arguments: Sequence[str] | None) -> None:
    """Parse and run a command; raises SystemExit after help and after arguments that tyro explains."""
    try:
        command = tyro.cli(
            Command,
            prog="brainscore",
            description="Brain-aligned vision models and EEG/fMRI benchmarks for Brain-Score.",
            args=arguments,
            config=(tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes),
        )
        # xarray warns about Brain-Score's own classes on import: nothing that a user could mend.
        warnings.filterwarnings("ignore", category=FutureWarning, message="xarray subclass")
        command.run()
    finally:
        sys.stdout.flush()
