"""Proofs in real environments that the versions that a pin admits do not change a model."""
