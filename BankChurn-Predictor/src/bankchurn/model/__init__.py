"""The model: the stack, its fast evaluation, its explanations, and how it is stored."""
