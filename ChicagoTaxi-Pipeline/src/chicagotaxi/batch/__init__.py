"""Batches of predictions: made on an engine's workers, written as a whole, read and verified."""
