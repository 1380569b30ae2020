"""Records trainings and challenges on an MLflow server. Needs the extra ``tracking``."""
