"""What every data set goes through: fetch, audit, pack, split, without torch, lightning or mlflow."""
