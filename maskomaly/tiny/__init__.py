"""The embedded default: drawn street scenes, a small Mask2Former trained on them, its weights."""
