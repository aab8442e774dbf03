"""The settings of each call, for editors, type checkers and `help`: their types, ranges and defaults.

Made from the classes of textgen/config.py by `python docs/make_settings.py`; a test keeps the two equal.
"""

from __future__ import annotations

from typing import Literal, TypedDict


class PrepareSettings(TypedDict, total=False):
    """Settings of `textgen.prepare`.

    glob: tuple of str, default ('*.txt',). Pattern of the files to read from a folder and the folders in it;
        repeatable. With field or template the default is all files of records.
    exclude: tuple of str, default (). Pattern of the files of a folder to leave out; repeatable.
    field: str | None, default None. Read this field of each record of JSON Lines, CSV, TSV or Parquet. Each is a
        document. In JSON a dot leads into an object, as in data.text.
    template: str | None, default None. Make each record's document out of several fields, as in '{label}: {text}'. {{
        and }} are braces. It stands in place of field.
    document_end: bool, default False. Write a document separator after each document, that is each file or record. A
        sample is then one document.
    encoding: str | None, default None. Encoding of the text; by default UTF-8, in which zero bytes are refused as no
        text.
    normalize: "nfc" | "nfkc" | "none", default 'nfc'. Unicode normalisation form.
    keep_line_ends: bool, default False. Keep the line ends \\r\\n and \\r; by default they become \\n.
    lowercase: bool, default False. Make all letters lower case.
    min_count: int, 1 to 1,000,000,000, default 1. Replace characters that occur fewer times than this by U+FFFD.
    validation: float, 0 to 0.9, default 0.1. Fraction of the text that is held out for validation.
    test: float, 0 to 0.9, default 0.0. Fraction of the text that is held out for a test.
    split: "tail" | "lines" | "documents" | "files", default 'tail'. What is held out: the end of each source (tail); or
        lines (for lists), documents (with document_end) or whole files, drawn at random.
    rng_seed: int, 0 to 9,223,372,036,854,775,807, default 0. Seed of the random draw of lines, documents or files.
    """

    glob: tuple[str, ...] | list[str]
    exclude: tuple[str, ...] | list[str]
    field: str | None
    template: str | None
    document_end: bool
    encoding: str | None
    normalize: Literal["nfc", "nfkc", "none"]
    keep_line_ends: bool
    lowercase: bool
    min_count: int
    validation: float
    test: float
    split: Literal["tail", "lines", "documents", "files"]
    rng_seed: int


class TrainSettings(TypedDict, total=False):
    """Settings of `textgen.train`. Of num_layers, units, dropout, recurrent_dropout, weight_decay, batch_size and
    learning_rate those that are not given are picked by the size of the text and the time.

    cell: "lstm" | "gru" | "rnn", default 'lstm'. Kind of recurrent layer.
    num_layers: int, 1 to 16, default 1. Number of recurrent layers.
    units: int, 1 to 16,384, default 384. Width of each recurrent layer.
    embedding_dim: int, 1 to 16,384, default 64. Width of the character embedding.
    dropout: float, 0 to 0.95, default 0.2. Fraction of each layer's outputs that training drops at random.
    recurrent_dropout: float, 0 to 0.95, default 0.0. Fraction of the recurrent weights that training drops at random in
        each window.
    ngram_order: int, 0 to 16, default 5. How many runs of equal characters the n-gram counts beside the network look
        back, besides words; 0 is no counts.
    batch_size: int, 1 to 65,536, default 16. Number of streams of text that are read side by side.
    seq_length: int, 1 to 65,536, default 64. Characters in a window. Gradients flow through one window.
    carry: int, 0 to 1,000,000,000, default 32. Windows after which the state of a stream starts from zero again, at
        different times for different streams; 0 is a whole epoch.
    epochs: int | None, 1 to 1,000,000,000, default None. End after this many passes over the text.
    steps: int | None, 1 to 1,000,000,000,000, default None. End after this many steps.
    minutes: float | None, 0.001 to 10,000,000, default None. End after this many minutes; 5 if no end is given.
    learning_rate: float, 0 to 10, default 0.006. Highest learning rate of the schedule.
    warmup: float, 0 to 1, default 0.1. Fraction of the training, at its start, in which the learning rate rises.
    final_rate: float, 0 to 1, default 0.05. Learning rate at the end, as a fraction of the highest.
    clip_norm: float, 0 to 1,000,000,000, default 1.0. Largest norm of the whole gradient; 0 sets no limit.
    weight_decay: float, 0 to 10, default 0.1. Weight decay of the kernels, outside the gradient (AdamW); with from of
        all weights, towards those that the run begins with (L2-SP).
    l1: float, 0 to 10, default 0.0. Penalty on the kernels' absolute values.
    l2: float, 0 to 10, default 0.0. Penalty on the kernels' squares.
    averaging: float, 0 to 0.99999, default 0.98. Momentum of the average of the weights, which validates and samples; 0
        is no average.
    validations: int, 1 to 10,000, default 20. Largest number of validations, evenly over the training.
    validation_characters: int | None, 0 to 1,000,000,000,000, default None. Most characters to validate on, spread
        evenly over the validation part; 0 is all of it. By default at most a million, so that all validations take at
        most a tenth of the time.
    checkpoint_every: float | str, 0 to 1,000,000, default 2.0. Minutes between checkpoints, or steps, as in 500steps; 0
        is never. A checkpoint is also saved at each validation and at the end.
    keep: int, 0 to 1,000,000, default 0. Number of validations whose weights are also kept, under the numbers of their
        steps.
    distribute: "auto" | "none" | "mirrored" | "multiworker", default 'auto'. Devices to train on: one (none), all GPUs
        of this machine (mirrored), or all workers that TF_CONFIG or Slurm names (multiworker). auto uses what is there.
    precision: "float32" | "mixed_bfloat16", default 'float32'. Number format of the arithmetic. Weights are always
        float32.
    patience: int, 0 to 1,000,000, default 0. End after this many validations in a row without a new best; 0 is never.
    rng_seed: int, 0 to 9,223,372,036,854,775,807, default 0. Seed of the random generator.
    """

    cell: Literal["lstm", "gru", "rnn"]
    num_layers: int
    units: int
    embedding_dim: int
    dropout: float
    recurrent_dropout: float
    ngram_order: int
    batch_size: int
    seq_length: int
    carry: int
    epochs: int | None
    steps: int | None
    minutes: float | None
    learning_rate: float
    warmup: float
    final_rate: float
    clip_norm: float
    weight_decay: float
    l1: float
    l2: float
    averaging: float
    validations: int
    validation_characters: int | None
    checkpoint_every: float | str
    keep: int
    distribute: Literal["auto", "none", "mirrored", "multiworker"]
    precision: Literal["float32", "mixed_bfloat16"]
    patience: int
    rng_seed: int


class ResumeSettings(TypedDict, total=False):
    """Settings of `textgen.resume`. The defaults are those of a new run; what is not given here stays as it is.

    dropout: float, 0 to 0.95, default 0.2. Fraction of each layer's outputs that training drops at random.
    recurrent_dropout: float, 0 to 0.95, default 0.0. Fraction of the recurrent weights that training drops at random in
        each window.
    carry: int, 0 to 1,000,000,000, default 32. Windows after which the state of a stream starts from zero again, at
        different times for different streams; 0 is a whole epoch.
    epochs: int | None, 1 to 1,000,000,000, default None. End after this many passes over the text.
    steps: int | None, 1 to 1,000,000,000,000, default None. End after this many steps.
    minutes: float | None, 0.001 to 10,000,000, default None. End after this many minutes; 5 if no end is given.
    learning_rate: float, 0 to 10, default 0.006. Highest learning rate of the schedule.
    warmup: float, 0 to 1, default 0.1. Fraction of the training, at its start, in which the learning rate rises.
    final_rate: float, 0 to 1, default 0.05. Learning rate at the end, as a fraction of the highest.
    clip_norm: float, 0 to 1,000,000,000, default 1.0. Largest norm of the whole gradient; 0 sets no limit.
    weight_decay: float, 0 to 10, default 0.1. Weight decay of the kernels, outside the gradient (AdamW); with from of
        all weights, towards those that the run begins with (L2-SP).
    l1: float, 0 to 10, default 0.0. Penalty on the kernels' absolute values.
    l2: float, 0 to 10, default 0.0. Penalty on the kernels' squares.
    averaging: float, 0 to 0.99999, default 0.98. Momentum of the average of the weights, which validates and samples; 0
        is no average.
    validations: int, 1 to 10,000, default 20. Largest number of validations, evenly over the training.
    checkpoint_every: float | str, 0 to 1,000,000, default 2.0. Minutes between checkpoints, or steps, as in 500steps; 0
        is never. A checkpoint is also saved at each validation and at the end.
    keep: int, 0 to 1,000,000, default 0. Number of validations whose weights are also kept, under the numbers of their
        steps.
    distribute: "auto" | "none" | "mirrored" | "multiworker", default 'auto'. Devices to train on: one (none), all GPUs
        of this machine (mirrored), or all workers that TF_CONFIG or Slurm names (multiworker). auto uses what is there.
    precision: "float32" | "mixed_bfloat16", default 'float32'. Number format of the arithmetic. Weights are always
        float32.
    patience: int, 0 to 1,000,000, default 0. End after this many validations in a row without a new best; 0 is never.
    """

    dropout: float
    recurrent_dropout: float
    carry: int
    epochs: int | None
    steps: int | None
    minutes: float | None
    learning_rate: float
    warmup: float
    final_rate: float
    clip_norm: float
    weight_decay: float
    l1: float
    l2: float
    averaging: float
    validations: int
    checkpoint_every: float | str
    keep: int
    distribute: Literal["auto", "none", "mirrored", "multiworker"]
    precision: Literal["float32", "mixed_bfloat16"]
    patience: int


class SampleSettings(TypedDict, total=False):
    """Settings of `Model.generate` and `Model.stream`.

    length: int, 0 to 1,000,000,000,000, default 500. Characters to write.
    memory: int | None, 0 to 10,000, default None. Remember the seed text and what is written, fading over this many
        characters, so that names and words come back; 0 is no memory. By default the seed text alone is remembered.
    repetition_penalty: float, 0.01 to 100, default 1.0. Above 1, make characters of the last repetition_window less
        likely; below 1, more likely; 1 is off.
    repetition_window: int, 1 to 1,000,000, default 64. Number of characters that repetition_penalty looks back.
    no_repeat_ngram: int, 0 to 1,000, default 0. Never write the same sequence of this many characters twice; 0 is off.
    only: str, default ''. Write only these characters.
    ban: str, default ''. Never write these characters.
    temperature: float, 0 to 1,000, default 0.8. Below 1 is more careful, above 1 bolder; 0 always takes the most likely
        character.
    top_k: int, 0 to 1,000,000,000, default 0. Draw from the k most likely characters only; 0 is all.
    top_p: float, 0 to 1, default 1.0. Draw from the most likely characters that together have this probability.
    min_p: float, 0 to 1, default 0.0. Draw from characters at least this probable relative to the most likely one.
    typical_p: float, 0 to 1, default 1.0. Draw from the characters nearest to the expected surprise that together have
        this probability.
    stop: tuple of str, default (). End a sample before this text; repeatable.
    keep_stop: bool, default False. Also write the stop text.
    until_line: bool, default False. End a sample at its first line end.
    beam: int, 0 to 4,096, default 0. Search for the most likely continuation with a beam this wide; 0 draws at random.
    rng_seed: int | None, 0 to 9,223,372,036,854,775,807, default None. Seed of the random generator; by default a
        random one.
    unknown: "error" | "skip" | "replace", default 'error'. What to do with characters that the model does not know:
        refuse the text (error), leave them out (skip), or write U+FFFD, or else a space, in their place (replace).
    """

    length: int
    memory: int | None
    repetition_penalty: float
    repetition_window: int
    no_repeat_ngram: int
    only: str
    ban: str
    temperature: float
    top_k: int
    top_p: float
    min_p: float
    typical_p: float
    stop: tuple[str, ...] | list[str]
    keep_stop: bool
    until_line: bool
    beam: int
    rng_seed: int | None
    unknown: Literal["error", "skip", "replace"]


class ScoreSettings(TypedDict, total=False):
    """Settings of `Model.score`, `Model.surprise` and `Model.likeliest`.

    memory: int, 0 to 10,000, default 0. Remember the text so far, fading over this many characters: what comes again is
        less surprising; 0 is no memory.
    unknown: "error" | "skip" | "replace", default 'error'. What to do with characters that the model does not know:
        refuse the text (error), leave them out (skip), or write U+FFFD, or else a space, in their place (replace).
    """

    memory: int
    unknown: Literal["error", "skip", "replace"]
