"""A study: the runs of one Hydra multirun, below one MLflow parent run.

checks refuses one with a mistake in it, callback opens and closes it, workers says how many runs are at once and on
what, progress shows how far it is, lookup finds studies and their runs, trial runs one of them.
"""
