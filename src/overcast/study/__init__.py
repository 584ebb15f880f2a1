"""A study: the runs of one Hydra multirun, below one MLflow parent run.

settings and layout say what it consists of, sweep composes it, checks refuses one with a mistake in it, callback opens
and closes it, launch runs its jobs, workers says how many at once and on what, progress shows how far it is, lookup
finds studies and their runs, trial runs one of them.
"""
