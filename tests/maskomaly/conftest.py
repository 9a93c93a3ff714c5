"""What is collected of these tests where torch is not installed; fixtures of commands."""

from __future__ import annotations

from importlib.util import find_spec

#: Drawn outputs and networks for tests: no doctests, and they need torch.
collect_ignore = [
    "drawn.py",
    "small_networks.py",
    "saved_networks.py",
    "detectron2_networks.py",
    "commands.py",
]
if find_spec("torch") is None:  # these are about the network itself; the others skip by themselves
    collect_ignore += ["test_tiny_checkpoint.py", "test_tiny_training.py"]
else:
    from tests.maskomaly.commands import chosen, config, place, run
    from tests.maskomaly.detectron2_networks import digest, tensors
    from tests.maskomaly.saved_networks import folders

    __all__ = ["chosen", "config", "digest", "folders", "place", "run", "tensors"]
