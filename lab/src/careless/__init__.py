"""The subject of the experiments: a model and its feature code, as a careless service has them."""
