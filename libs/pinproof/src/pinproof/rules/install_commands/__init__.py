"""Finds the commands of a repository that install something."""
