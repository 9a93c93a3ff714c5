"""Uncertainty: how sure numbers are."""
