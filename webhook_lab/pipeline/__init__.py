"""The pipeline: its settings, and the ordered steps that build and remove it. The only truth about both."""

from webhook_lab.pipeline.build import Pipeline, Progress
from webhook_lab.pipeline.open import open_pipeline, retire_dead_ledgers
from webhook_lab.pipeline.settings import Settings
from webhook_lab.pipeline.steps import LAST, STEPS, step_of, steps_until

__all__ = [
    "LAST",
    "STEPS",
    "Pipeline",
    "Progress",
    "Settings",
    "open_pipeline",
    "retire_dead_ledgers",
    "step_of",
    "steps_until",
]
