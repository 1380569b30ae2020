"""The HTTP API and the map: serves the current batch of predictions."""
