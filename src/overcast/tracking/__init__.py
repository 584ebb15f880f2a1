"""Where runs are recorded: their folders, the MLflow store and runs, metadata, views of the UI."""
