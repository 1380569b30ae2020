"""Pushes sealed models to buckets and fetches them."""
