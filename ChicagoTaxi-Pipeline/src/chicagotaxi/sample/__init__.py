"""Sample data: synthetic trips in the formats of the real ones."""
