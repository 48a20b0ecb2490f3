"""The service over a follower that does what a test says."""

from pathlib import Path

import pytest

from server.administration.policies import LocalPolicies
from server.administration.service import Models
from tests.server.administration.follower import Following


@pytest.fixture
def following(tmp_path: Path) -> Following:
    """A follower of a repository with "shop"."""
    return Following(tmp_path)


@pytest.fixture
def models(following: Following) -> Models:
    """The service."""
    policies = LocalPolicies(following.root)
    return Models(
        following,
        policies,
        lambda _, version: 10 * version,
        clock_s=following.read_clock,
        sleep=following.sleep,
    )
