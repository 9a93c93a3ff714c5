"""The embedded default: synthetic street scenes, a small Mask2Former trained on them, its weights."""
