"""What the tests share: short ways to say what happened, ledgers with a clock of their own, and slow, obvious twins."""

import os


def examples(usually: int) -> int:
    """How many examples hypothesis runs: so many usually, $HYPOTHESIS_EXAMPLES (5,000) in the profile `soak`."""
    if os.environ.get("HYPOTHESIS_PROFILE") != "soak":
        return usually
    return int(os.environ.get("HYPOTHESIS_EXAMPLES", "5000"))
