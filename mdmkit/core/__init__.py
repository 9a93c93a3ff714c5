"""The core: what every room is made of."""
