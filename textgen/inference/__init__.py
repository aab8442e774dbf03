"""A run to text. NumPy only."""
