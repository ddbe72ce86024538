"""What every test runs under: hypothesis profiles, chosen by HYPOTHESIS_PROFILE (`ci` by default, `soak` for long runs).

The suite tries the same cases each time, so that a change that is right is never refused by chance; `make laws` looks for new ones.
"""

import os

from hypothesis import HealthCheck, settings

collect_ignore = [] if os.environ.get("SALESLEDGER_BROWSER") else ["browser"]
"""The tests in a browser have a command of their own, `make browser`."""

settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
settings.register_profile(
    "soak", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
