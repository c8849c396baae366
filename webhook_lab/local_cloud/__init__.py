"""An AWS on the learner's own machine, for as long as somebody needs it: nothing of it is left afterwards.

A server process runs the emulator behind a guard, and ends when its owner or the last lease is gone; its
keeper removes what is left. `private_cloud` belongs to one process, `shared_cloud` to all programs of a user.
"""

from webhook_lab.local_cloud.client import (
    identify,
    is_kept,
    keep,
    private_cloud,
    running_cloud,
    shared_cloud,
    unkeep,
)
from webhook_lab.local_cloud.runtime import Cloud, CloudError

__all__ = [
    "Cloud",
    "CloudError",
    "identify",
    "is_kept",
    "keep",
    "private_cloud",
    "running_cloud",
    "shared_cloud",
    "unkeep",
]
