"""A prediction log in PostgreSQL."""
