"""Finds commands that install distributions."""
