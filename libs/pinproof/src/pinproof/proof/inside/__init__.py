"""Programs that run inside an environment that is being proven, each by its path."""
