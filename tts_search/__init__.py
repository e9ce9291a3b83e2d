"""Search for the compute-optimal collaboration graph of language models."""

__version__ = "0.1.0"
