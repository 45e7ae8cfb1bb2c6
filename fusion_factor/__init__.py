"""Fusion Factor: from bars to a fused stock score, and from scores to evaluated, traded results."""

__version__ = "0.1.0"
