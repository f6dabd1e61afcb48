"""Runs that are killed and disturbed in copies of one process."""

from tests.support.crash_fixtures import calm, host

__all__ = ["calm", "host"]
