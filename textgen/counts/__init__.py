"""Ids to counts, counts to log-probabilities, and their mixture with a network. NumPy only."""
