#!/bin/bash
#SBATCH --job-name=textgen
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --time=01:00:00
#SBATCH --requeue
# With GPUs add: #SBATCH --gpus-per-task=1

set -euo pipefail
run=runs/plays

# Slurm tells every task which one it is; textgen asks for nothing else. A job that was
# requeued goes on where the last checkpoint stands.
if [ -e "$run/run.json" ]; then
    srun --kill-on-bad-exit=1 textgen train --resume "$run"
else
    srun --kill-on-bad-exit=1 textgen train data/plays --out "$run" --batch-size 64 --minutes 30
fi
