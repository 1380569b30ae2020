"""Metrics of a model on a table whose outcomes are known."""
