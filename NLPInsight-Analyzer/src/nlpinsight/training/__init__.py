"""From labelled texts to a sealed model."""
