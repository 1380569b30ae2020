"""Compares the environment of an interpreter with a requirements file."""
