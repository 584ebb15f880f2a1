"""A study: the runs of one Hydra multirun, below one MLflow parent run."""
