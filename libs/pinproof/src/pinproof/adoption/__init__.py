"""Proposes the pins that a lock file or an environment implies."""
