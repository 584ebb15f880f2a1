"""What a launcher left in the environment ends no run; what is well set stays."""

import pytest

from overcast.core.launchers import forget_ranks

TORCHRUN = {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "GROUP_RANK": "0", "MASTER_PORT": "29500"}


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({}, {}),
        (TORCHRUN, TORCHRUN),
        ({"RANK": "1"}, {"RANK": "1"}),
        ({"RANK": "abc", "WORLD_SIZE": "2", "HOME": "/x"}, {"WORLD_SIZE": "2", "HOME": "/x"}),
        ({"LOCAL_RANK": "x", "RANK": "0"}, {"RANK": "0"}),
        ({"LOCAL_RANK": "", "SLURM_PROCID": "-1", "NODE_RANK": "1.5"}, {}),
    ],
)
def test_what_is_no_rank_is_forgotten(given: dict[str, str], left: dict[str, str]) -> None:
    environment = dict(given)
    forget_ranks(environment)
    assert environment == left
