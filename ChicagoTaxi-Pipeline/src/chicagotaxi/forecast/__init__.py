"""The forecast: features, model, intervals, baselines, back-test, and the sealed model."""
