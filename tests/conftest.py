"""What every test runs under: hypothesis profiles, chosen by HYPOTHESIS_PROFILE (`ci` by default, `soak` for long runs)."""

import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

settings.register_profile("ci", deadline=None, print_blob=True)
settings.register_profile(
    "soak", deadline=None, print_blob=True, max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "5000")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
