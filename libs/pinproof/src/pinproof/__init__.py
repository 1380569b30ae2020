"""Checks, audits and proves the pins of a repository. See ``pinproof --help``."""
