"""Comparison: several methods on the same frames."""
