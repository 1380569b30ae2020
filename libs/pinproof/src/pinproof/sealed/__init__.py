"""The sealed model: what `pinproof.seal` writes and `pinproof.open_sealed` reads."""
