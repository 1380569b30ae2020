"""Programs that run in the environment of a proof, each by its path."""
