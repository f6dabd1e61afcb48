"""`--follow`: waiting between two looks at what grows."""

from __future__ import annotations

import time

from oe.cli.console import Console

_SECONDS = 0.2


def wait(console: Console) -> None:
    """Hands over what has been written and waits for a fifth of a second."""
    console.stdout.flush()
    time.sleep(_SECONDS)
