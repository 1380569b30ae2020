"""The incident laboratory: what upgrades do to a model, measured in real environments."""
