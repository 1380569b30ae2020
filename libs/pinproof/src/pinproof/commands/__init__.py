"""The commands. Each is a function in a module named after it; `pinproof.cli` lists them."""
