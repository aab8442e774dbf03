"""Text to ids. NumPy only."""
