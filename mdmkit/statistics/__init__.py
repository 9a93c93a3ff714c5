"""Statistics: what is counted in frames, and merges exactly."""
