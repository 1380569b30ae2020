"""Proofs in real environments: what every version that a pin admits does to a model."""
