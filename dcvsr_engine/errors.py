"""Errors that a user can act on: one clear sentence each, shown as it is, never with a traceback."""


class UserError(Exception):
    """Bad input: what is wrong and what to do, in one sentence. The command line exits with 2, the window shows a dialog."""


class SettingsError(UserError):
    """A setting has an unknown name or an impossible value."""


class InputError(UserError):
    """A video cannot be read."""


class OutputError(UserError):
    """A result cannot be written."""


class DiskFullError(OutputError):
    """The disk of an output, or the quota of its user, is full."""


class ModelError(UserError):
    """A checkpoint folder is missing, incomplete or damaged."""


class JobError(UserError):
    """A job cannot be continued: it is locked, damaged, or no longer matches its input, model or settings."""


class AcceleratorError(UserError):
    """The build of PyTorch for a GPU cannot be installed or removed."""


class Cancelled(Exception):
    """The user cancelled; raised by `Control.check` and handled where the job was started."""
