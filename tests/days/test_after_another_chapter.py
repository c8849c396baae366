"""What one chapter has set is still on its way when the next one opens."""

import contextlib
import io
from dataclasses import replace

import pytest

from tests.days.kernel import holds
from tests.days.normal import SlowQueueAttributes
from webhook_lab.aws.traits import LOCAL_CLOUD
from webhook_lab.lab import Lab

SLOW, ALLOWED = 2, 4
"""Seconds until a queue's attributes are in force, and for how many the target says that it may take."""


@pytest.mark.usefixtures("cloud")
def test_a_mapping_is_restored_once_the_visibility_timeout_is_in_force() -> None:
    traits = replace(LOCAL_CLOUD, queue_lag=ALLOWED, patience=20)
    with holds(SlowQueueAttributes(SLOW), traits), contextlib.redirect_stdout(io.StringIO()):
        first = Lab.open(chapter="10")
        first.configure(function_timeout=1, visibility_timeout=1, batch_size=5)
        first.create_queue()
        first.create_function("subscribe")
        first.settle()
        assert first.pipeline.look_up("queue").visibility_timeout == 1
        first.create_mapping()
        second = Lab.open(chapter="09")
        try:
            assert second.pipeline.look_up("mapping").batch_size == 10
            second.settle()
            assert second.pipeline.look_up("queue").visibility_timeout == 180
        finally:
            second.teardown()
