"""Finds and reads the pins of a repository."""
