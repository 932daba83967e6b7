#!/bin/bash
# Converts a checkpoint as a Slurm array: sbatch slurm-array.sh DIR TYPE OUT.gguf
# Every task makes one file of a split set; mq merge joins them.
#SBATCH --job-name=mq-convert
#SBATCH --array=1-4
#SBATCH --ntasks=1
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=mq-%a.log
exec mq convert "$1" -t "$2" -o "$3" --part auto --resume -j "${SLURM_CPUS_PER_TASK:-1}"
