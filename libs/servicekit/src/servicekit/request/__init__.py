"""What happens to a request around its endpoint: one ASGI layer, and its parts."""
