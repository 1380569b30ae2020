"""Hourly demand as the forecast reads it."""
