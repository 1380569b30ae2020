"""Judges files of texts."""
