"""Renders the overlays from a release file, checks and deploys them. See ../README.md."""
