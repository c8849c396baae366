"""The pipeline: its settings, and the ordered steps that build and remove it. The only truth about both."""

from webhook_lab.pipeline.build import Pipeline, Progress, Removed
from webhook_lab.pipeline.open import open_pipeline, retire_dead_ledgers
from webhook_lab.pipeline.operations import (
    dead_letter_alarm,
    redrive,
    set_throttle,
    throttle_of,
    warm_subscriber,
)
from webhook_lab.pipeline.settings import Settings
from webhook_lab.pipeline.steps import LAST, STEPS, step_of, steps_until
from webhook_lab.pipeline.watch import fates_in, watch_pipeline

__all__ = [
    "LAST",
    "STEPS",
    "Pipeline",
    "Progress",
    "Removed",
    "Settings",
    "dead_letter_alarm",
    "fates_in",
    "open_pipeline",
    "redrive",
    "retire_dead_ledgers",
    "set_throttle",
    "step_of",
    "steps_until",
    "throttle_of",
    "warm_subscriber",
    "watch_pipeline",
]
