"""Checks pins, audits them, and proves every version that they admit. See ``pinproof --help``."""
