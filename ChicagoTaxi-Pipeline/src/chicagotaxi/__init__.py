"""Hourly taxi demand in Chicago: from raw trips to a forecast and an API."""
