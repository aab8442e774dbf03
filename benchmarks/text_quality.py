"""How near samples come to real text: `python benchmarks/text_quality.py CORPUS RUN [RUN ...]`.

Samples of some runs at some temperatures, beside pieces of the same length of the corpus's validation part, which begin
at line starts as samples do. A RUN may be given as LABEL=FOLDER, and `--networks` also samples each run's network
without its counts. A figure is the mean over the samples, and that of the validation part is what a sample should be
near to: lower or higher is not better. A measure of which the validation part has nothing is left out.

- known words: share of words that the training part has too; the cut ones at both ends do not count
- copied: characters of the longest passage that also stands in the training part; and the longest of all samples
- repeated: share of 20-grams that stood in the sample before
- zlib: size compressed, as a share of the size
- speakers: different names in lines like `NAME:`, for each such line
- used again: share of words of four letters or more that stood in the sample before
- closed: share of opening brackets that are closed
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable
from pathlib import Path

import msgspec
from machine import file_sha256, report
from measures import WORD, Automaton, closed, known_words, repeated, speakers, used_again, zlib_ratio

import textgen
from textgen.config import SampleConfig
from textgen.data.corpus import Corpus
from textgen.data.vocabulary import DOCUMENT_END
from textgen.errors import TextgenError
from textgen.inference.generate import Generator
from textgen.inference.predictor import Predictor


def real_pieces(corpus: Corpus, count: int, length: int) -> list[str]:
    """Pieces of the validation part that do not overlap, as many as there are up to a count, spread evenly."""
    text = corpus.vocabulary.decode(corpus.validation)
    count = min(count, len(text) // length)
    if not count:
        raise SystemExit(f"{corpus.path}: the validation part has {len(text):,} characters; give a smaller --length")
    pieces = []
    for place in (len(text) // count * i for i in range(count)):
        line = text.find("\n", place) + 1
        start = line if 0 < line <= min(place + len(text) // count, len(text)) - length else place
        pieces.append(text[start : start + length])
    return pieces


def samples(model: Generator, count: int, config: SampleConfig) -> list[str]:
    """Samples of a model, each of the length that is asked for; documents follow one another until there is enough."""
    texts, first = [""] * count, 0
    while short := [i for i, text in enumerate(texts) if len(text) < config.length]:
        for sample, piece in model.write([""] * len(short), config, first):
            texts[short[sample.index - first]] += piece
        first += len(short)
        texts = [text + DOCUMENT_END * (len(text) < config.length) for text in texts]
    return [text[: config.length] for text in texts]


def models(runs: list[str], checkpoint: str, networks: bool) -> dict[str, Generator]:
    """The models to sample from, by label."""
    found = {}
    for run in runs:
        label, _, folder = (run, "", run) if Path(run).is_dir() else run.partition("=")
        model = found[label] = textgen.load(folder or run, checkpoint)
        if networks and model.predictor.counts:
            found[f"{label}, network"] = Generator(Predictor(model.predictor.network), model.vocabulary)
    return found


def figures(pieces: list[str], copied: list[int], known: set[str]) -> dict[str, float | None]:
    """The figures of some pieces of text, None where there is nothing to measure."""
    found = {
        "known words": [known_words(piece, known) for piece in pieces],
        "copied": copied,
        "repeated": map(repeated, pieces),
        "zlib": map(zlib_ratio, pieces),
        "speakers": map(speakers, pieces),
        "used again": map(used_again, pieces),
        "closed": map(closed, pieces),
    }
    return {name: mean(values) for name, values in found.items()} | {"longest copied": max(copied)}


def mean(values: Iterable[float]) -> float | None:
    """The mean of those values that are numbers, to four digits after the point."""
    numbers = [value for value in values if not math.isnan(value)]
    return round(sum(numbers) / len(numbers), 4) if numbers else None


def table(corpus: Corpus, texts: dict[tuple[str, str], list[str]]) -> list[dict]:
    """A row for the texts of each temperature and label, those of the validation part first."""
    train = corpus.vocabulary.decode(corpus.train)
    known = {word.lower() for word in WORD.findall(train)}
    copied = iter(Automaton(piece for pieces in texts.values() for piece in pieces).longest_found(train))
    rows = []
    for (temperature, label), pieces in texts.items():
        found = figures(pieces, [next(copied) for _ in pieces], known)
        rows.append({"temperature": temperature, "text": label, "samples": len(pieces), **found})
    left_out = {name for name, value in rows[0].items() if value is None}
    return [{name: value for name, value in row.items() if name not in left_out} for row in rows]


def main() -> None:
    """Sample, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, help="a prepared corpus with a validation part")
    parser.add_argument("runs", nargs="+", metavar="[LABEL=]RUN", help="runs to sample from")
    parser.add_argument("--networks", action="store_true", help="sample each run's network without counts too")
    parser.add_argument("--memory", type=int, metavar="N", help="sample each run beside a memory too")
    parser.add_argument("--checkpoint", default="best")
    parser.add_argument("--temperature", type=float, nargs="+", default=[0.5, 0.8, 1.0])
    parser.add_argument("--samples", type=int, default=8, help="at each temperature")
    parser.add_argument("--length", type=int, default=2000, help="characters of a sample")
    parser.add_argument("--rng-seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    try:
        corpus = Corpus.load(options.corpus)
        texts = {("-", "validation part"): real_pieces(corpus, options.samples, options.length)}
        named = models(options.runs, options.checkpoint, options.networks)
        for temperature in options.temperature:
            config = SampleConfig(length=options.length, temperature=temperature, rng_seed=options.rng_seed)
            for label, model in named.items():
                texts[f"{temperature:g}", label] = samples(model, options.samples, config)
                if options.memory and not label.endswith(", network"):
                    beside = msgspec.structs.replace(config, memory=options.memory)
                    texts[f"{temperature:g}", f"{label}, memory"] = samples(model, options.samples, beside)
    except TextgenError as error:
        raise SystemExit(str(error)) from None
    digest = file_sha256(options.corpus / "corpus.json")[:12]
    title = f"Samples of {options.length:,} characters on {options.corpus.name} (corpus.json {digest})"
    report(f"{title}, rng_seed {options.rng_seed}", table(corpus, texts), options.json)


if __name__ == "__main__":
    main()
