"""Faults: what a ledger goes through when processes die, disks lie and people err. `python -m faults` runs the long forms."""
