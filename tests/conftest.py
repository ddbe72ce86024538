"""What every test runs under: hypothesis profiles, chosen by HYPOTHESIS_PROFILE (`ci` by default, `soak` for long runs)."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("ci", deadline=None, print_blob=True)
settings.register_profile("soak", settings.get_profile("ci"), suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
