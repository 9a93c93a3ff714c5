"""Thresholds: chosen on one set of frames, used on another."""
