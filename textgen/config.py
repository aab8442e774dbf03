"""Every setting, with its type, range, default and help text. Declared here, once.

The command line's options, the keys of a TOML file and the environment variables are all made from these
classes: the field `batch_size` is `--batch-size`, `batch_size = 32` and `TEXTGEN_TRAIN_BATCH_SIZE`.
"""

from __future__ import annotations

import difflib
import math
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import Meta

from textgen.errors import ConfigError

DEFAULT_MINUTES = 5.0
MAX_SEED = 2**63 - 1
ENDS = {"epochs", "steps", "minutes"}
"""The settings that say when training ends."""
SHAPE = {"cell", "num_layers", "units", "embedding_dim"}
"""The settings that say which weights a network has."""
FIXED = SHAPE | {"ngram_order", "batch_size", "seq_length", "rng_seed", "validation_characters"}
"""The settings that a run keeps from its first step to its last."""
STEPS = re.compile(r"([0-9]{1,12}) ?steps?")
"""Some steps, as a text."""
LONGEST_MEMORY = 10_000
"""A memory of so many characters takes some tens of megabytes."""
HELD_OUT = 0.9
"""At most so much of a text is not trained on, as a fraction."""
PRECISIONS = ("float32", "float16")
"""The number formats in which weights are kept or sampled."""
MAX_TOML_BYTES = 2**14
"""The time that TOML takes to parse can grow with the square of its length."""


def about(description: str, low: float | None = None, high: float | None = None) -> Meta:
    """The help text of a setting, and the range of a number."""
    return Meta(description=description, ge=low, le=high)


Unknown = Annotated[
    Literal["error", "skip", "replace"],
    about(
        "What to do with characters that the model does not know: refuse the text (error), leave them out "
        "(skip), or write U+FFFD, or else a space, in their place (replace)."
    ),
]


Normalize = Annotated[Literal["nfc", "nfkc", "none"], about("Unicode normalisation form.")]
KeepLineEnds = Annotated[bool, about("Keep the line ends \\r\\n and \\r; by default they become \\n.")]
Lowercase = Annotated[bool, about("Make all letters lower case.")]


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the settings: values are checked by `build`."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{name}: Expected a finite number, got {value}")


class TextConfig(Config, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was done to the text that a model was trained on, and is done to every text that it is given."""

    normalize: Normalize = "nfc"
    keep_line_ends: KeepLineEnds = False
    lowercase: Lowercase = False


class PrepareConfig(Config, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How text becomes a prepared corpus."""

    glob: Annotated[
        tuple[str, ...],
        about(
            "Pattern of the files to read from a folder and the folders in it; repeatable. With --field or --template "
            "the default is all files of records."
        ),
    ] = ("*.txt",)
    exclude: Annotated[tuple[str, ...], about("Pattern of the files of a folder to leave out; repeatable.")] = ()
    field: (
        Annotated[
            str,
            about(
                "Read this field of each record of JSON Lines, CSV, TSV or Parquet. Each is a document. In JSON a dot "
                "leads into an object, as in data.text."
            ),
        ]
        | None
    ) = None
    template: (
        Annotated[
            str,
            about(
                "Make each record's document out of several fields, as in '{label}: {text}'. {{ and }} are braces. "
                "It stands in place of --field."
            ),
        ]
        | None
    ) = None
    document_end: Annotated[
        bool,
        about(
            "Write a document separator after each document, that is each file or record. A sample is then one "
            "document."
        ),
    ] = False
    encoding: (
        Annotated[str, about("Encoding of the text; by default UTF-8, in which zero bytes are refused as no text.")]
        | None
    ) = None
    normalize: Normalize = "nfc"
    keep_line_ends: KeepLineEnds = False
    lowercase: Lowercase = False
    min_count: Annotated[int, about("Replace characters that occur fewer times than this by U+FFFD.", 1, 10**9)] = 1
    validation: Annotated[float, about("Fraction of the text that is held out for validation.", 0.0, HELD_OUT)] = 0.1
    test: Annotated[float, about("Fraction of the text that is held out for a test.", 0.0, HELD_OUT)] = 0.0
    split: Annotated[
        Literal["tail", "lines", "documents", "files"],
        about(
            "What is held out: the end of each source (tail); or lines (for lists), documents (with "
            "--document-end) or whole files, drawn at random."
        ),
    ] = "tail"
    rng_seed: Annotated[int, about("Seed of the random draw of lines, documents or files.", 0, MAX_SEED)] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.field is not None and self.template is not None:
            raise ValueError("template: cannot be given with field; name that field in it")
        if self.split == "documents" and not self.document_end:
            raise ValueError("split: documents needs --document-end too")
        if self.split == "lines" and self.document_end:
            raise ValueError("split: lines does not go with --document-end; give --split documents")
        if round(self.validation + self.test, 9) > HELD_OUT:
            raise ValueError(
                f"test: Expected at most {HELD_OUT} together with validation, got {self.test:g} and {self.validation:g}"
            )

    @property
    def has_records(self) -> bool:
        """Whether the files are records and no plain text."""
        return self.field is not None or self.template is not None

    @property
    def text_encoding(self) -> str:
        """The encoding, with the default in place."""
        return self.encoding or "utf-8"

    @property
    def text(self) -> TextConfig:
        """What is done to the text, for the runs that are trained on it."""
        return TextConfig(normalize=self.normalize, keep_line_ends=self.keep_line_ends, lowercase=self.lowercase)


class ModelConfig(Config, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape of the network."""

    cell: Annotated[Literal["lstm", "gru", "rnn"], about("Kind of recurrent layer.")] = "lstm"
    num_layers: Annotated[int, about("Number of recurrent layers.", 1, 16)] = 1
    units: Annotated[int, about("Width of each recurrent layer.", 1, 16384)] = 384
    embedding_dim: Annotated[int, about("Width of the character embedding.", 1, 16384)] = 64
    dropout: Annotated[float, about("Fraction of each layer's outputs that training drops at random.", 0.0, 0.95)] = 0.2
    recurrent_dropout: Annotated[
        float, about("Fraction of the recurrent weights that training drops at random in each window.", 0.0, 0.95)
    ] = 0.0

    ngram_order: Annotated[
        int,
        about(
            "How many runs of equal characters the n-gram counts beside the network look back, besides words; 0 is no "
            "counts.",
            0,
            16,
        ),
    ] = 5


class TrainConfig(Config, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a model is trained."""

    batch_size: Annotated[int, about("Number of streams of text that are read side by side.", 1, 65536)] = 16
    seq_length: Annotated[int, about("Characters in a window. Gradients flow through one window.", 1, 65536)] = 64
    carry: Annotated[
        int,
        about(
            "Windows after which the state of a stream starts from zero again, at different times for different "
            "streams; 0 is a whole epoch.",
            0,
            10**9,
        ),
    ] = 32
    epochs: Annotated[int, about("End after this many passes over the text.", 1, 10**9)] | None = None
    steps: Annotated[int, about("End after this many steps.", 1, 10**12)] | None = None
    minutes: (
        Annotated[
            float,
            about(
                f"End after this many minutes; {DEFAULT_MINUTES:g} if no end is given.",
                0.001,
                10**7,
            ),
        ]
        | None
    ) = None
    learning_rate: Annotated[float, about("Highest learning rate of the schedule.", 0.0, 10.0)] = 0.006
    warmup: Annotated[
        float, about("Fraction of the training, at its start, in which the learning rate rises.", 0.0, 1.0)
    ] = 0.1
    final_rate: Annotated[float, about("Learning rate at the end, as a fraction of the highest.", 0.0, 1.0)] = 0.05
    clip_norm: Annotated[float, about("Largest norm of the whole gradient; 0 sets no limit.", 0.0, 1e9)] = 1.0
    weight_decay: Annotated[
        float,
        about(
            "Weight decay of the kernels, outside the gradient (AdamW); with --from of all weights, towards those that "
            "the run begins with (L2-SP).",
            0.0,
            10.0,
        ),
    ] = 0.1
    l1: Annotated[float, about("Penalty on the kernels' absolute values.", 0.0, 10.0)] = 0.0
    l2: Annotated[float, about("Penalty on the kernels' squares.", 0.0, 10.0)] = 0.0
    averaging: Annotated[
        float,
        about("Momentum of the average of the weights, which validates and samples; 0 is no average.", 0.0, 0.99999),
    ] = 0.98
    validations: Annotated[int, about("Largest number of validations, evenly over the training.", 1, 10**4)] = 20
    validation_characters: (
        Annotated[
            int,
            about(
                "Most characters to validate on, spread evenly over the validation part; 0 is all of it. By "
                "default at most a million, so that all validations take at most a tenth of the time.",
                0,
                10**12,
            ),
        ]
        | None
    ) = None
    checkpoint_every: (
        Annotated[
            float,
            about(
                "Minutes between checkpoints, or steps, as in 500steps; 0 is never. A checkpoint is also saved at each "
                "validation and at the end.",
                0.0,
                10**6,
            ),
        ]
        | str
    ) = 2.0
    keep: Annotated[
        int, about("Number of validations whose weights are also kept, under the numbers of their steps.", 0, 10**6)
    ] = 0
    distribute: Annotated[
        Literal["auto", "none", "mirrored", "multiworker"],
        about(
            "Devices to train on: one (none), all GPUs of this machine (mirrored), or all workers that TF_CONFIG or "
            "Slurm names (multiworker). auto uses what is there."
        ),
    ] = "auto"
    precision: Annotated[
        Literal["float32", "mixed_bfloat16"], about("Number format of the arithmetic. Weights are always float32.")
    ] = "float32"
    patience: Annotated[
        int, about("End after this many validations in a row without a new best; 0 is never.", 0, 10**6)
    ] = 0
    rng_seed: Annotated[int, about("Seed of the random generator.", 0, MAX_SEED)] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.checkpoint_every, str) and not STEPS.fullmatch(self.checkpoint_every):
            raise ValueError("checkpoint_every: Expected minutes, as in 2, or steps, as in 500steps")

    @property
    def checkpoint_steps(self) -> int | None:
        """Steps between checkpoints, where `checkpoint_every` is no number of minutes."""
        every = self.checkpoint_every
        return int(every.split("step")[0]) if isinstance(every, str) else None

    @property
    def end_minutes(self) -> float | None:
        """Minutes after which training ends, with the default in place."""
        if self.epochs is None and self.steps is None and self.minutes is None:
            return DEFAULT_MINUTES
        return self.minutes


class SampleConfig(Config, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How text is sampled. The rules apply in the order in which they stand here."""

    length: Annotated[int, about("Characters to write.", 0, 10**12)] = 500
    memory: (
        Annotated[
            int,
            about(
                "Remember the seed text and what is written, fading over this many characters, so that names and words "
                "come back; 0 is no memory. By default the seed text alone is remembered.",
                0,
                LONGEST_MEMORY,
            ),
        ]
        | None
    ) = None
    repetition_penalty: Annotated[
        float,
        about(
            "Above 1, make characters of the last --repetition-window less likely; below 1, more likely; 1 is off.",
            0.01,
            100.0,
        ),
    ] = 1.0
    repetition_window: Annotated[int, about("Number of characters that --repetition-penalty looks back.", 1, 10**6)] = (
        64
    )
    no_repeat_ngram: Annotated[
        int, about("Never write the same sequence of this many characters twice; 0 is off.", 0, 1000)
    ] = 0
    only: Annotated[str, about("Write only these characters.")] = ""
    ban: Annotated[str, about("Never write these characters.")] = ""
    temperature: Annotated[
        float, about("Below 1 is more careful, above 1 bolder; 0 always takes the most likely character.", 0.0, 1000.0)
    ] = 0.8
    top_k: Annotated[int, about("Draw from the k most likely characters only; 0 is all.", 0, 10**9)] = 0
    top_p: Annotated[
        float, about("Draw from the most likely characters that together have this probability.", 0.0, 1.0)
    ] = 1.0
    min_p: Annotated[
        float, about("Draw from characters at least this probable relative to the most likely one.", 0.0, 1.0)
    ] = 0.0
    typical_p: Annotated[
        float,
        about(
            "Draw from the characters nearest to the expected surprise that together have this probability.", 0.0, 1.0
        ),
    ] = 1.0
    stop: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...], about("End a sample before this text; repeatable.")
    ] = ()
    keep_stop: Annotated[bool, about("Also write the --stop text.")] = False
    until_line: Annotated[bool, about("End a sample at its first line end.")] = False
    beam: Annotated[
        int, about("Search for the most likely continuation with a beam this wide; 0 draws at random.", 0, 4096)
    ] = 0
    samples: Annotated[int, about("Number of samples.", 1, 10**9)] = 1
    rng_seed: Annotated[int, about("Seed of the random generator; by default a random one.", 0, MAX_SEED)] | None = None
    unknown: Unknown = "error"


class ScoreConfig(Config, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How text is scored."""

    memory: Annotated[
        int,
        about(
            "Remember the text so far, fading over this many characters: what comes again is less surprising; 0 is no "
            "memory.",
            0,
            LONGEST_MEMORY,
        ),
    ] = 0
    unknown: Unknown = "error"


ConfigType = TypeVar("ConfigType", bound=Config)


def build(kind: type[ConfigType], values: Mapping[str, Any], source: str = "") -> ConfigType:
    """Check values against a class of settings.

    Args:
        kind: one of the classes of this module.
        values: field name to value; fields that are left out have their defaults.
        source: what the values came from, for messages.

    Raises:
        ConfigError: a name is unknown, or a value has the wrong type or is out of range.

    >>> build(ModelConfig, {"units": 128}).units
    128
    >>> build(ModelConfig, {"unit": 128}, "small.toml")
    Traceback (most recent call last):
    textgen.errors.ConfigError: small.toml: unknown setting 'unit'; did you mean 'units'?
    """
    refuse_unknown(values, kind.__struct_fields__, source)
    try:
        return msgspec.convert(dict(values), kind)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$.")
        name = place.rstrip("`")
        if message.startswith("Invalid enum value"):
            message = f"Expected {choices(kind, name)}"
        got = f", got {values[name]!r}" if name in values and "got" not in message else ""
        where = ": ".join(part for part in (source, name) if part)
        raise ConfigError(f"{where}: {message.replace('`', '')}{got}".lstrip(": ")) from None


def choices(kind: type[Config], name: str) -> str:
    """The values that a setting of words can have.

    >>> choices(ModelConfig, "cell")
    'lstm, gru or rnn'
    """
    *others, last = map(str, get_args(get_type_hints(kind)[name]))
    return f"{', '.join(others)} or {last}"


def pick(kind: type[ConfigType], values: Mapping[str, Any]) -> ConfigType:
    """The settings of one class out of those of several; see `build`."""
    return build(kind, {name: values[name] for name in kind.__struct_fields__ if name in values})


def refuse_unknown(names: Iterable[str], known: Iterable[str], source: str) -> None:
    """Raise a ConfigError that names the first unknown setting and the nearest known one."""
    known = sorted(known)
    for name in names:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, 1, 0.0)
            prefix = f"{source}: " if source else ""
            raise ConfigError(f"{prefix}unknown setting {name!r}; did you mean {nearest[0]!r}?")


def read_toml(path: str | os.PathLike[str], kinds: Iterable[type[Config]]) -> dict[str, Any]:
    """Read settings from a TOML file and check them.

    Args:
        path: a file with one `name = value` a line, names as in the classes of this module.
        kinds: the classes that the names may belong to.

    Returns:
        The values that the file sets.

    Raises:
        ConfigError: the file cannot be read, is no TOML, or holds an unknown or unusable setting.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_TOML_BYTES + 1)
        if len(data) > MAX_TOML_BYTES:
            raise ConfigError(f"{path}: larger than {MAX_TOML_BYTES:,} bytes; expected some lines of settings")
        values = tomllib.loads(data.decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path}: cannot be read as TOML: {reason}") from None
    kinds = tuple(kinds)
    refuse_unknown(values, [name for kind in kinds for name in kind.__struct_fields__], str(path))
    for kind in kinds:
        build(kind, {k: v for k, v in values.items() if k in kind.__struct_fields__}, str(path))
    return values
