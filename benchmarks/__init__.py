"""What salesledger costs, measured against yardsticks in the same run; see docs/benchmarks.md."""
