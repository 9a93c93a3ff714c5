"""The embedded default: synthetic streets, a small Mask2Former trained on them, its weights."""
