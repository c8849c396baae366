"""Puts our pollers in the place of the emulator's, which are kinder than AWS: those never read too much.

The emulator keeps the mappings and answers for them. Here is who reads and invokes, and the state in which
a mapping is until the last batch of earlier settings is finished: once it is gone, nothing of it happens
any more.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

from ministack.core.responses import json_response, request_scope
from ministack.services import lambda_svc

from webhook_lab.local_cloud import poller
from webhook_lab.local_cloud.ports import Caller, Ends

SCALE = poller.Scale(most=10)
"""AWS goes up to 1,250; here each further invocation is a process of 47 MB on the learner's machine."""

_CHECK_SECONDS = 1.0  # between looks for mappings that came or went unannounced

log = logging.getLogger(__name__)

Esm = dict[str, Any]
"""A mapping as the emulator keeps it."""
Answer = tuple[int, dict[str, str], bytes]


class _Running:
    """One mapping that the emulator keeps as `esm`, and its pollers."""

    def __init__(
        self, caller: Caller, account: str, region: str, esm: Esm, changed: Callable[[], None]
    ) -> None:
        self.scope, self.esm = (account, region), esm
        self.leaving = False
        ends = Ends(caller, account, region, esm)
        self.pollers = poller.Mapping(
            ends, ends, self.settings, scale=SCALE, report=self.report, ended=changed
        )

    def settings(self) -> poller.Settings:
        kinds = self.esm.get("FunctionResponseTypes") or []
        return poller.Settings(
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
    """The event source mappings of all queues, and their pollers."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._running: dict[str, _Running] = {}
        self._look = asyncio.Event()

    def install(self) -> None:
        """Take the place of the emulator's polling of queues, and answer with the states of ours."""
        update, delete, response = lambda_svc._update_esm, lambda_svc._delete_esm, lambda_svc._esm_response
        ensure, loop = lambda_svc._ensure_poller, asyncio.get_running_loop()

        def ensure_poller() -> None:  # whatever adds a mapping calls this, on any thread
            if any(not _reads_a_queue(esm) for _, _, esm in lambda_svc._iter_all_esms()):
                ensure()
            loop.call_soon_threadsafe(self._look.set)

        def update_esm(uuid: str, asked: dict[str, Any]) -> Answer:
            self._look.set()
            return update(uuid, asked)  # type: ignore[no-any-return]

        def delete_esm(uuid: str) -> Answer:
            running = self._running.get(uuid)
            if running is None or not running.pollers.running or uuid not in lambda_svc._esms:
                return delete(uuid)  # type: ignore[no-any-return]
            running.leaving = True
            self._look.set()
            return json_response(esm_response(running.esm), 202)  # type: ignore[no-any-return]

        def esm_response(esm: Esm) -> dict[str, Any]:
            running = self._running.get(esm["UUID"])
            return {**response(esm), **({"State": running.state} if running else {})}

        lambda_svc._update_esm, lambda_svc._delete_esm = update_esm, delete_esm
        lambda_svc._esm_response, lambda_svc._ensure_poller = esm_response, ensure_poller
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
        standing = {
            esm["UUID"]: each for each in lambda_svc._iter_all_esms() if _reads_a_queue(esm := each[2])
        }
        for uuid, (account, region, esm) in standing.items():
            if uuid not in self._running:
                self._running[uuid] = _Running(self._caller, account, region, esm, self._look.set)
        for uuid, running in list(self._running.items()):
            running.leaving |= uuid not in standing
            running.pollers.adjust()
            if running.leaving and not running.pollers.running:
                with request_scope(*running.scope):
                    lambda_svc._esms.pop(uuid, None)
                del self._running[uuid]


def _reads_a_queue(esm: Esm) -> bool:
    return ":sqs:" in esm["EventSourceArn"]
