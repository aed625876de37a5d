"""Errors that a user can mend: each message says what was got, what was expected and what to do.

The command line prints them without a traceback and exits with status 2.
"""


class RealnetError(Exception):
    """Base of every error that is about the input and not about the program."""

    exit_status = 2
    """What the command line ends with."""


class MissingDataError(RealnetError):
    """A data set, subject, image or file that is needed is not there."""


class MissingWeightsError(RealnetError):
    """No weights can be had for a model identifier."""


class UnknownIdentifierError(RealnetError):
    """No plugin is registered under this identifier."""


class BadFileError(RealnetError):
    """A file is there but is not what it should be: truncated, wrong shape, missing channel, NaN, changed bytes."""


class UnsafeFileError(BadFileError):
    """A file asks to run code when it is read; nothing of it was executed."""


class BadInputError(RealnetError):
    """Arrays or options that cannot be computed with."""


class StoreError(RealnetError):
    """The store's folder cannot be used: a file in its place, no permission, no space."""
