"""Clusters for a file of tests; in others, properties would blame `random` in their threads."""

from __future__ import annotations

import pytest

from tests.evaluation.clusters import connected


@pytest.fixture(scope="module")
def client():
    """Of workers in this process, which everything is sent to as if they were far away."""
    with connected(processes=False, protocol="tcp://") as client:
        yield client


@pytest.fixture(scope="module")
def processes():
    """Of workers that are processes."""
    with connected(processes=True) as client:
        yield client
