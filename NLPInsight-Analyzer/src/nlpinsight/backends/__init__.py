"""The models that answer: the linear back end and the transformer, and what they share."""
