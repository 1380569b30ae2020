"""Sentiment of financial text, by two back ends."""
