"""Champion and challenger: train a challenger, compare the two on unseen rows, decide by gates."""
