#!/bin/sh
# What textgen does on an NVIDIA GPU, as one table: sh benchmarks/gpu.sh [TEXT]
#
# It makes an environment of its own in a temporary folder, with the extra `gpu`, and needs no network but the package
# registry. It trains on TEXT (a file; by default @fables, which comes with textgen) through our own loop and through
# cuDNN's, in float32 and mixed_bfloat16. It compares the first losses with those of the CPU, samples, scores, and goes
# on with a run that the CPU began. All of it takes less than ten minutes. Nothing outside the folder is changed.
#
# Without a GPU it says so and checks itself at a small size.
#
#   MINUTES=1 sh benchmarks/gpu.sh plays.txt         train longer; by default a quarter of a minute each
#   PYTHON=.venv/bin/python sh benchmarks/gpu.sh     use an environment that has textgen, and install nothing
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
text=${1:-@fables}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# our loop is taken where recurrent weights are dropped; this rate drops none of them
OUR_LOOP=0.000000001
STEPS=6

say() { echo "gpu.sh: $*" >&2; }

# run a command quietly; where it fails, show what it said and end
quietly() {
    if ! "$@" >"$work/out" 2>"$work/log"; then
        cat "$work/out" "$work/log" >&2
        say "failed: $*"
        exit 1
    fi
}

textgen() { quietly "$python" -m textgen "$@"; }

on_the_cpu() { (
    export CUDA_VISIBLE_DEVICES=-1
    "$@"
); }

# a field of the last row of a run's history
last() { awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) field = i }
    END { print $field }' "$1/history.csv"; }

# the largest difference of two runs' first training losses, in bits per character
difference() {
    awk -F, 'FNR == 1 { for (i = 1; i <= NF; i++) if ($i == "train_bpc") field = i; next }
        NR == FNR { first[FNR] = $field; next }
        { d = $field - first[FNR]; if (d < 0) d = -d; if (d > most) most = d; rows++ }
        END { if (!rows) exit 1; printf "%.1e", most }' "$1/history.csv" "$2/history.csv"
}

# train OUT SIZE RECURRENT_DROPOUT PRECISION OPTION...
train() {
    out=$1 layers=${2%x*} units=${2#*x} rate=$3 precision=$4
    shift 4
    textgen train "$work/corpus" --out "$out" --num-layers "$layers" --units "$units" --precision "$precision" \
        --recurrent-dropout "$rate" --dropout 0 --ngram-order 0 --batch-size "$batch" --seq-length "$window" "$@"
}

if [ -n "${PYTHON:-}" ]; then
    python=$PYTHON
else
    say "making an environment"
    python3 -m venv "$work/venv"
    python=$work/venv/bin/python
    extra=
    if command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1; then extra='[gpu]'; fi
    quietly "$python" -m pip install --quiet "$root$extra"
fi

gpus=$("$python" -c 'import tensorflow as tf; print(len(tf.config.list_physical_devices("GPU")))' 2>"$work/log") || {
    cat "$work/log" >&2
    say "failed: $python cannot import tensorflow"
    exit 1
}
if [ "$gpus" -gt 0 ]; then
    device=$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader | head -n 1)
    here='' sizes='1x512 2x1024' batch=64 window=128 minutes=${MINUTES:-0.25}
else
    if command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1; then
        say "there is a GPU, and TensorFlow does not see it"
        exit 1
    fi
    device='no GPU'
    here=' (no GPU)' sizes='1x16' batch=8 window=16 minutes=${MINUTES:-0.02}
    say "there is no GPU here: what follows is a check of this script at a small size, and no measurement"
fi

textgen prepare "$text" --out "$work/corpus"
"$python" -c '
import platform, tensorflow, keras, textgen
print(f"python {platform.python_version()}, tensorflow {tensorflow.__version__}, keras {keras.__version__}, "
      f"textgen {textgen.__version__}")' 2>/dev/null
echo "$device, $text, batch $batch, window $window, $minutes minutes each"
echo
echo '| layers x units | loop | precision | characters/s | validation bpc | first losses against the CPU, bpc |'
echo '| --- | --- | --- | --- | --- | --- |'
for size in $sizes; do
    say "$size on the CPU, $STEPS steps"
    on_the_cpu train "$work/cpu-$size" "$size" 0 float32 --steps $STEPS --validations $STEPS
    for loop in cudnn ours; do
        rate=0
        if [ $loop = ours ]; then rate=$OUR_LOOP; fi
        say "$size, loop $loop"
        train "$work/first-$size-$loop" "$size" $rate float32 --steps $STEPS --validations $STEPS
        for precision in float32 mixed_bfloat16; do
            run=$work/$size-$loop-$precision
            train "$run" "$size" $rate $precision --minutes "$minutes"
            apart=-
            if [ $precision = float32 ]; then apart=$(difference "$work/cpu-$size" "$work/first-$size-$loop"); fi
            printf '| %s | %s | %s | %.0f | %.3f | %s |\n' "$size" "$loop$here" $precision \
                "$(last "$run" characters_per_second)" "$(last "$run" validation_bpc)" "$apart"
        done
    done
done
echo

say "a run that the CPU began"
begun=$work/cpu-${sizes%% *}
before=$(last "$begun" train_bpc)
textgen train --resume "$begun" --steps $((5 * STEPS))
printf 'begun on the CPU and resumed: training bpc %.3f at step %s, %.3f at step %s\n' \
    "$before" $STEPS "$(last "$begun" train_bpc)" "$(last "$begun" step)"
textgen score "$run" --split validation
printf 'score of %s, %s, %s: %s bpc where training said %.4f\n' \
    "$size" $loop $precision "$(cat "$work/out")" "$(last "$run" validation_bpc)"
textgen sample "$run" --length 200 --rng-seed 1
echo 'a sample of it:'
cat "$work/out"
