"""Checkpoints: counts that are kept in folders, so that a run may stop anywhere."""
