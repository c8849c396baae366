"""The pipeline: its settings, and the ordered steps that build and remove it. The only truth about both."""

from webhook_lab.pipeline.alarm import dead_letter_alarm
from webhook_lab.pipeline.build import Pipeline, Progress, Removed
from webhook_lab.pipeline.open import open_pipeline, retire_dead_ledgers
from webhook_lab.pipeline.redrive import redrive
from webhook_lab.pipeline.settings import Settings
from webhook_lab.pipeline.steps import LAST, STEPS, label, steps_until
from webhook_lab.pipeline.throttle import set_throttle, warm_subscriber

__all__ = [
    "LAST",
    "STEPS",
    "Pipeline",
    "Progress",
    "Removed",
    "Settings",
    "dead_letter_alarm",
    "label",
    "open_pipeline",
    "redrive",
    "retire_dead_ledgers",
    "set_throttle",
    "steps_until",
    "warm_subscriber",
]
