"""Renders the overlays from a release file, and checks what comes out. See ../README.md."""
