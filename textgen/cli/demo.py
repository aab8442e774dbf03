"""The command `demo`: it runs the others and shows them."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from textgen.cli.options import FOLDER

SEEDS = {
    "fables": ("THE FOX", "One morning"),
    "yuanye": ("我爱你", "春天"),
    "dinosaurs": ("", "Tyr"),
}
LENGTHS = {"fables": 400, "yuanye": 100, "dinosaurs": 120}
SPLITS = {"dinosaurs": ["--split", "lines"]}


@click.command()
@click.option("--corpus", default="fables", show_default=True, help="Corpus to train on; see `textgen corpora`.")
@click.option(
    "--minutes",
    type=click.FloatRange(0, 10**7, min_open=True),
    default=1.0,
    show_default=True,
    help="How long to train.",
)
@click.option("--out", type=FOLDER, default=Path("textgen-demo"), show_default=True, help="Folder to write to.")
@click.pass_context
def demo(ctx: click.Context, corpus: str, minutes: float, out: Path) -> None:
    """Prepare a text, train on it and write, showing each command."""
    name = corpus.removeprefix("@")
    commands = demo_commands(name, minutes, out)
    for arguments in commands:
        click.echo(f"\n$ textgen {shlex.join(arguments)}", err=True)
        ctx.find_root().command.main(arguments, prog_name="textgen", standalone_mode=False)
    page = shlex.join(["export", commands[-1][1], f"{name}.html"])
    click.echo(f"\nA page that writes, for any browser and phone: textgen {page}", err=True)


def demo_commands(corpus: str, minutes: float, out: Path) -> list[list[str]]:
    """The arguments of each `textgen` command of the demonstration.

    Args:
        corpus: the name of a corpus that comes with textgen.
        minutes: how long to train.
        out: the folder for the prepared corpus and the run. An older demonstration's run there is left alone.
    """
    data, run = out / "data" / corpus, free_name(out / "runs" / corpus)
    samples = [
        ["sample", str(run), *(["-s", seed] if seed else []), "-l", str(LENGTHS.get(corpus, 300)), "-t", "0.6"]
        for seed in SEEDS.get(corpus, ("",))
    ]
    return [
        ["prepare", f"@{corpus}", "--out", str(data), "--force", *SPLITS.get(corpus, [])],
        ["train", str(data), "--out", str(run), "--minutes", f"{minutes:g}"],
        *samples,
    ]


def free_name(path: Path) -> Path:
    """The path, or the first of path-2, path-3, ... where nothing stands."""
    number = 1
    candidate = path
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.name}-{number}")
    return candidate
