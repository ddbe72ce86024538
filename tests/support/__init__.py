"""What the tests share: short ways to say what happened, ledgers with a clock of their own, and slow, obvious twins."""
