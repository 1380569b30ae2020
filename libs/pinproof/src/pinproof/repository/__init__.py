"""Finds and reads what a repository pins."""
