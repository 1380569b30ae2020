"""Compares what an interpreter has installed with a requirements file."""
