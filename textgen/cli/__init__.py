"""The command line. A command turns options into one library call and echoes what comes back.

Rooms are imported inside the commands, so that none pays for another: only `train` starts TensorFlow.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import NoReturn

import click

import textgen
from textgen.cli.options import PREFIX, refuse_unknown_variables
from textgen.cli.standard_output import harmless
from textgen.errors import TextgenError

FUNCTIONS = {
    "prepare": "prepare.prepare",
    "train": "train.train",
    "launch": "launch.launch",
    "sample": "sample.sample",
    "score": "score.score",
    "surprise": "score.surprise",
    "export": "export.export",
    "import": "export.import_",
    "info": "info.info",
    "runs": "info.runs",
    "completion": "completion.completion",
    "demo": "demo.demo",
    "corpora": "prepare.corpora",
}
"""The module and the function of each command."""
WHOLE = 1000
"""Characters that the first sentence of no help text has."""


class Commands(Mapping[str, click.Command]):
    """The commands by name. Each is imported when somebody asks for it, so that none pays for another."""

    def __getitem__(self, name: str) -> click.Command:
        module, function = FUNCTIONS[name].split(".")
        command: click.Command = getattr(import_module(f"{__name__}.{module}"), function)
        # Click cuts a help text in the list of commands, unless it is given as the short one
        command.short_help = command.get_short_help_str(WHOLE)
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(FUNCTIONS)

    def __len__(self) -> int:
        return len(FUNCTIONS)


@click.group(
    commands=Commands(),
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": PREFIX,
        "max_content_width": 100,
    },
)
@click.version_option(textgen.__version__, prog_name="textgen")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Train a character-level language model on your own text, and let it write.

    \b
    textgen demo                                 show all of it in a minute
    textgen prepare plays.txt --out data/plays   text   -> a prepared corpus
    textgen train data/plays --out runs/plays    corpus -> a run
    textgen sample runs/plays -s "ROMEO:"        run    -> text
    textgen score runs/plays < lines.txt         text   -> bits per character
    textgen export runs/plays plays.html         run    -> a page that writes
    """
    if command := cli.commands.get(ctx.invoked_subcommand or ""):
        refuse_unknown_variables(command)


def main() -> None:
    """The `textgen` command. A user's mistake is one line on standard error and an exit code."""
    try:
        cli.main(prog_name="textgen", standalone_mode=False)
    except TextgenError as error:
        fail(str(error), error.exit_code)
    except click.exceptions.Abort:
        fail("interrupted", 128 + signal.SIGINT)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "textgen"
        fail(f"{error.format_message()} See `{path} --help`.", error.exit_code)
    except click.ClickException as error:
        fail(error.format_message(), error.exit_code)
    except OSError as error:
        fail(f"{error.filename or 'the system'}: {error.strerror or error}", 1)
    except MemoryError:
        fail("out of memory; give smaller settings or a smaller text, or free some memory", 1)


def fail(message: str, exit_code: int) -> NoReturn:
    """Say what was wrong in one line and end the process."""
    click.echo(f"textgen: error: {harmless(' '.join(message.split()))}", err=True)
    sys.exit(exit_code)
