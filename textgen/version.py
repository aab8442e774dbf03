"""The version of textgen. It stands by itself because every run records it."""

__version__ = "0.1.0"
