"""{{ title }}: the probability that a transaction is disputed."""
