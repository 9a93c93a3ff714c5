"""Evaluation: all numbers of one method."""
