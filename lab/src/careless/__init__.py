"""The subject of the experiments: the model and feature code of a careless service."""
