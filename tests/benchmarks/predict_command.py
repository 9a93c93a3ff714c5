"""`maskomaly predict` of the checkout that PYTHONPATH names: seconds in all, and in the network.

    PYTHONPATH=CHECKOUT python -c "$(cat predict_command.py)" IMAGES -o OUT --model M --config FILE

It imports nothing but that checkout, old or new, and prints JSON. Time begins when the network is
loaded.
"""

from __future__ import annotations

import json
import sys
import time

from transformers import Mask2FormerForUniversalSegmentation

from maskomaly import cli, models

spent = {"network": 0.0, "start": 0.0}
load, forward = models.load_model, Mask2FormerForUniversalSegmentation.forward


def timed_load(*arguments, **options):
    network = load(*arguments, **options)
    spent["start"] = time.perf_counter()
    return network


def timed_forward(*arguments, **options):
    start = time.perf_counter()
    try:
        return forward(*arguments, **options)
    finally:
        spent["network"] += time.perf_counter() - start


models.load_model = timed_load
Mask2FormerForUniversalSegmentation.forward = timed_forward
sys.argv = ["maskomaly", "predict", *sys.argv[1:], "--quiet"]
try:
    cli.main()
except SystemExit as ended:
    if ended.code:
        raise
wall = time.perf_counter() - spent["start"]
print(json.dumps({"wall": wall, "network": spent["network"]}))
