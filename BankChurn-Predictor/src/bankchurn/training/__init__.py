"""From a table to a sealed model."""
