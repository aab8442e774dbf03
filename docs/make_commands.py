"""Make docs/commands.md from the commands themselves: `python docs/make_commands.py`."""

from pathlib import Path

import click

from textgen.cli import cli

INTRODUCTION = """# Commands

Made from the commands by `python docs/make_commands.py`; a test keeps the two equal.
"""


def commands_page() -> str:
    """The help of `textgen` and of every command, as one Markdown page."""
    root = click.Context(cli, info_name="textgen", terminal_width=80, **cli.context_settings)
    sections = [section(cli, root)]
    for name, command in sorted(cli.commands.items()):
        sections.append(section(command, click.Context(command, root, name, terminal_width=80)))
    return "\n".join([INTRODUCTION, *sections])


def section(command: click.Command, context: click.Context) -> str:
    """The help of one command, 80 columns wide, under a heading."""
    return f"## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"


if __name__ == "__main__":
    Path(__file__).with_name("commands.md").write_text(commands_page(), encoding="utf-8")
