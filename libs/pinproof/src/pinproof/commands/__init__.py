"""The commands, one module each. `pinproof.cli` lists them."""
