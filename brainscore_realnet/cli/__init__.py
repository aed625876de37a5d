"""The command line: one file a command, each of which parses, calls and prints."""

from brainscore_realnet.cli.main import main

__all__ = ["main"]
