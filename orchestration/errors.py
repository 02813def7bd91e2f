"""Errors a user can act on, each with the exit code of the published contract (`published.md`, The command).

Every message is one line: what happened, where, and what to do. Anything that is not one of these is our own bug and
exits 1.
"""

from __future__ import annotations


class AllocatorError(Exception):
    """A failure with a stable exit code; `str(error)` is one or more ready-to-print lines."""

    exit_code = 1


class UsageError(AllocatorError):
    """Arguments, home folder or policy are wrong (exit 2)."""

    exit_code = 2


class LandedDataError(AllocatorError):
    """Something about landed data, or a gate that refused to publish (exit 3)."""

    exit_code = 3


class HomeLockedError(AllocatorError):
    """Another run holds the home (exit 4)."""

    exit_code = 4


def find_allocator_error(error: BaseException | None) -> AllocatorError | None:
    """Return the first AllocatorError in an exception's cause chain, or None (Dagster wraps what an asset raises)."""
    while error is not None:
        if isinstance(error, AllocatorError):
            return error
        error = error.__cause__ or error.__context__
    return None
