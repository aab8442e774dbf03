"""Every error that textgen raises on purpose.

    TextgenError        what the command line catches; `exit_code` is the process's
    +-- ConfigError     a setting is unknown, of the wrong type or out of range
    +-- TextError       the user's text cannot be read or used
    +-- CorpusError     a prepared corpus cannot be written, read or used
    +-- RunError        a run directory cannot be written, read or used
    +-- ModelError      a model of another tool cannot be written, read or used

A message is one line: what was given, what was expected, what to do.
"""


class TextgenError(Exception):
    """Base of all errors that a user can cause and mend."""

    exit_code = 1

    def _render_traceback_(self) -> list[str]:
        """What IPython and notebooks show: the one line, as the command does."""
        return [f"{type(self).__name__}: {self}"]


class ConfigError(TextgenError):
    """A setting is unknown, of the wrong type or out of range."""

    exit_code = 2


class TextError(TextgenError):
    """The user's text cannot be read or used."""


class CorpusError(TextgenError):
    """A prepared corpus cannot be written, read or used."""


class RunError(TextgenError):
    """A run directory cannot be written, read or used."""


class ModelError(TextgenError):
    """A model of another tool cannot be written, read or used."""
