"""What the system refuses is one message that says what to do, and no other error is taken for that."""

from __future__ import annotations

import errno

import numpy as np
import pytest
import torch

from overcast.core.errors import UserError
from overcast.core.system_errors import refusals_told


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "full"), "No space left on the disk of /there: free some"),
        (OSError(errno.EDQUOT, "full"), "No space left on the disk of /there: free some"),
        (OSError(errno.EROFS, "read-only", "/x"), r"Cannot read or write /x \(read-only\): mend its permissions"),
        (PermissionError(errno.EACCES, "denied"), r"Cannot read or write /there \(denied\): mend its permissions"),
        (IsADirectoryError(errno.EISDIR, "a folder", "/x"), r"Cannot write /x \(a folder\): something is in its way"),
        (OSError(errno.ENOMEM, "none"), "Out of memory. Give a smaller batch_size"),
        (MemoryError(), "Out of memory. Give a smaller batch_size"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "Out of memory. Give a smaller"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"), "Out of memory. Give a smaller"),
    ],
)
def test_what_a_user_can_mend_is_said(error: Exception, message: str) -> None:
    with pytest.raises(UserError, match=message), refusals_told("/there"):
        raise error


def test_so_is_what_really_asks_for_too_much() -> None:
    with pytest.raises(UserError, match="Out of memory"), refusals_told():
        torch.empty(2**50)
    with pytest.raises(UserError, match="Out of memory"), refusals_told():
        np.empty(2**50)


@pytest.mark.parametrize("error", [OSError(errno.EIO, "broken"), RuntimeError("shapes"), ValueError("memory")])
def test_other_errors_are_no_refusals(error: Exception) -> None:
    with pytest.raises(type(error), match=str(error.args[-1])), refusals_told("/there"):
        raise error


def test_without_a_place_it_is_said_all_the_same() -> None:
    with pytest.raises(UserError, match="No space left on a disk: free some"), refusals_told():
        raise OSError(errno.ENOSPC, "full")
    with pytest.raises(UserError, match=r"Cannot read or write a file \(denied\)"), refusals_told():
        raise PermissionError(errno.EACCES, "denied")
