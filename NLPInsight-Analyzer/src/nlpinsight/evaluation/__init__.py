"""Metrics of a model on labelled texts."""
