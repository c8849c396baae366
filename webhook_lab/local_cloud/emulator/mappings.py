"""Puts our pollers in the place of the emulator's, which are kinder than AWS.

AWS: pollers read before they know whether the function may run; a mapping is Updating or Deleting until the
    last batch of earlier settings is finished.
Emulator: never reads more than the function may take at once, so that over-pull cannot be seen; a changed or
    deleted mapping goes on with the batches that it has, and says nothing of it.
Shown by: test_reserved_concurrency_alone_sends_good_messages_to_the_dlq_that_never_ran,
    test_a_lower_maximum_is_in_force_only_when_no_more_than_that_run,
    test_a_mapping_that_is_gone_or_off_reads_nothing
Upstream: stays ours: chapter 10 opens the pollers.

The emulator keeps the mappings and answers for them. Here is who reads and invokes, and each mapping's state.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

from ministack.core.responses import json_response, request_scope
from ministack.services import lambda_svc

from webhook_lab.facts.pollers import Scale
from webhook_lab.local_cloud.batches import PollerSettings
from webhook_lab.local_cloud.emulator.ports import Ends
from webhook_lab.local_cloud.guard import App
from webhook_lab.local_cloud.poller import Pollers
from webhook_lab.local_cloud.runtime import Cloud

SCALE = Scale(most=10)
"""AWS goes up to 1,250; here each further invocation is a process of 47 MB on the learner's machine."""

_CHECK_SECONDS = 1.0  # between looks for mappings that came or went unannounced

log = logging.getLogger(__name__)

Esm = dict[str, Any]
"""A mapping as the emulator keeps it."""
Answer = tuple[int, dict[str, str], bytes]


class _Running:
    """One mapping that the emulator keeps, and its pollers."""

    def __init__(self, ends: Ends, changed: Callable[[], None]) -> None:
        self.scope, self.esm, self.leaving = (ends.account, ends.region), ends.esm, False
        self.pollers = Pollers(
            ends, ends, self.settings,
            scale=SCALE, wanted=ends.wanted, report=self.report, ended=changed,
        )  # fmt: skip

    def settings(self) -> PollerSettings:
        kinds = self.esm.get("FunctionResponseTypes") or []
        return PollerSettings(
            enabled=self.esm["Enabled"] and not self.leaving,
            batch_size=self.esm["BatchSize"],
            batching_window=self.esm.get("MaximumBatchingWindowInSeconds") or 0,
            maximum_concurrency=(self.esm.get("ScalingConfig") or {}).get("MaximumConcurrency"),
            report_batch_item_failures="ReportBatchItemFailures" in kinds,
        )

    def report(self, result: str) -> None:
        self.esm["LastProcessingResult"] = result

    @property
    def state(self) -> str:
        if self.leaving:
            return "Deleting"
        if self.pollers.settled:
            return "Enabled" if self.esm["Enabled"] else "Disabled"
        return "Updating" if self.esm["Enabled"] else "Disabling"


class Mappings:
    """The event source mappings of all queues, and their pollers.

    Made on the event loop: from then on the emulator polls no queue, and answers with the states of ours.
    """

    def __init__(self, app: App, cloud: Cloud) -> None:
        self._app, self._cloud = app, cloud
        self._running: dict[str, _Running] = {}
        self._look, self._loop = asyncio.Event(), asyncio.get_running_loop()
        self._update, self._delete = lambda_svc._update_esm, lambda_svc._delete_esm
        self._response, self._ensure = lambda_svc._esm_response, lambda_svc._ensure_poller
        lambda_svc._update_esm, lambda_svc._delete_esm = self._update_esm, self._delete_esm
        lambda_svc._esm_response, lambda_svc._ensure_poller = self._esm_response, self._ensure_poller
        lambda_svc._poll_sqs = lambda: False

    async def run(self) -> None:
        """Start and end pollers as mappings come, change and go; until cancelled."""
        while True:
            self._look.clear()
            try:
                self._follow()
            except Exception:
                log.exception("event source mappings")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), _CHECK_SECONDS)

    def _follow(self) -> None:
        standing = {each[2]["UUID"]: each for each in lambda_svc._iter_all_esms() if _reads_a_queue(each[2])}
        for uuid in standing.keys() - self._running.keys():
            self._running[uuid] = _Running(Ends(self._app, self._cloud, *standing[uuid]), self._look.set)
        for uuid, running in list(self._running.items()):
            running.leaving |= uuid not in standing
            running.pollers.adjust()
            if running.leaving and not running.pollers.running:
                with request_scope(*running.scope):
                    lambda_svc._esms.pop(uuid, None)
                del self._running[uuid]

    def _ensure_poller(self) -> None:  # whatever adds a mapping calls this, on any thread
        if any(not _reads_a_queue(esm) for _, _, esm in lambda_svc._iter_all_esms()):
            self._ensure()
        self._loop.call_soon_threadsafe(self._look.set)

    def _update_esm(self, uuid: str, asked: dict[str, Any]) -> Answer:
        self._look.set()
        return self._update(uuid, asked)  # type: ignore[no-any-return]

    def _delete_esm(self, uuid: str) -> Answer:
        running = self._running.get(uuid)
        if running is None or not running.pollers.running or uuid not in lambda_svc._esms:
            return self._delete(uuid)  # type: ignore[no-any-return]
        running.leaving = True
        self._look.set()
        return json_response(self._esm_response(running.esm), 202)  # type: ignore[no-any-return]

    def _esm_response(self, esm: Esm) -> dict[str, Any]:
        running = self._running.get(esm["UUID"])
        return {**self._response(esm), **({"State": running.state} if running else {})}


def _reads_a_queue(esm: Esm) -> bool:
    return ":sqs:" in esm["EventSourceArn"]
