"""On the path of a kernel, and of what it starts, that is to call AWS as a learner does."""

import os
import sys
from pathlib import Path

if os.environ.get("WEBHOOK_LAB_TESTS_LEARNER"):
    sys.path.append(str(Path(__file__).parents[3]))
    from tests.policy.enforcing import enforce_by_environment

    enforce_by_environment()
