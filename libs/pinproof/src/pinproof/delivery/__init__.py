"""How a sealed model gets from where it was trained to where it is served."""
