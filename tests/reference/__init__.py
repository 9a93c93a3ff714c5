"""Slow, obvious versions of what mdmkit computes: relabel at each threshold, count, divide."""
