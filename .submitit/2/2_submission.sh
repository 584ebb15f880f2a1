#!/bin/bash

# Parameters
#SBATCH --array=0-3%4
#SBATCH --error=/tmp/w/slurm/.submitit/%A_%a/%A_%a_0_log.err
#SBATCH --job-name=train
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --open-mode=append
#SBATCH --output=/tmp/w/slurm/.submitit/%A_%a/%A_%a_0_log.out
#SBATCH --signal=USR2@120
#SBATCH --time=60
#SBATCH --wckey=submitit

# command
export SUBMITIT_EXECUTOR=slurm
srun --unbuffered --output /tmp/w/slurm/.submitit/%A_%a/%A_%a_%t_log.out --error /tmp/w/slurm/.submitit/%A_%a/%A_%a_%t_log.err /tmp/base/overcast/.venv/bin/python -u -m submitit.core._submit /tmp/w/slurm/.submitit/%j
