"""Scores files of customers."""
