"""The teacher's side of a class: a pipeline of its own that takes what learners report, and the board."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

from webhook_lab import sweep
from webhook_lab.aws.errors import explain
from webhook_lab.course.classroom import ADDRESS, SECRET
from webhook_lab.course.report import NAME, Report
from webhook_lab.course.standings import Standings
from webhook_lab.pipeline import Pipeline, open_pipeline
from webhook_lab.pipeline.naming import DEFAULT_PREFIX
from webhook_lab.resources.queue import depth
from webhook_lab.send.signing import check_secret, new_secret
from webhook_lab.show import cards
from webhook_lab.show.board import Board
from webhook_lab.show.card import Card
from webhook_lab.watch.items import read_items
from webhook_lab.watch.log_lines import LogReader

CLASS_HOURS = 12
"""How far back the board looks: one day's class, though the table keeps a week's."""
OVERLAP = 180_000
"""Milliseconds that each Scan goes back before the newest item: a minute to the last Scan, and more than the
30 s that a function may take to put one."""
SCAN_SECONDS = 60.0
ATTRIBUTES = {
    "ProjectionExpression": "#body, #received, #finished",
    "ExpressionAttributeNames": {"#body": "body", "#received": "received_at", "#finished": "finished_at"},
}
"""What a board needs of an item."""
AT_ONCE = 4
"""Publish functions where each is a process of the teacher's machine. Thirty that start together took minutes
there; whoever finds them busy is answered 500, and tries again a second later."""


class ClassRoom:
    """A pipeline beside the lab's own, whose every delivery needs the class's signature.

    It is named after the lab, with ``-class``, so that chapters which the teacher shows leave it alone.

    Args:
        pipeline: what reports go through; `open` builds it.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline, self._aws = pipeline, pipeline.session
        self.secret = pipeline.settings.signing_secret
        api = pipeline.get("api")
        self.url = self._aws.target.invoke_url(api.id, api.stage)
        self._dynamodb = self._aws.client("dynamodb", recorded=False)
        self._standings, self._scan_at = Standings(), 0.0
        group = pipeline.names.log_group("subscribe")
        self._lines = LogReader.of(self._aws, log_group=group, since=self._aws.now())
        self._newest, self._latest = self._aws.now() - CLASS_HOURS * 3_600_000, "{}"

    @classmethod
    def open(cls, progress: Callable[[str], None] | None = None) -> Self:
        """Build the class's pipeline, or find it as it stands, with the secret and the reports that it has.

        Args:
            progress: as for `Pipeline.build`.

        Raises:
            LabError: whatever keeps it from being built, or a WEBHOOK_LAB_CLASS_SECRET that is none.
        """
        prefix = os.environ.get("WEBHOOK_LAB_NAME") or DEFAULT_PREFIX
        pipeline = open_pipeline(environ={**os.environ, "WEBHOOK_LAB_NAME": f"{prefix}-class"})
        stands = pipeline.look_up("publish_function")
        secret = os.environ.get(SECRET, "").strip() or (stands and stands.environment.get("SIGNING_SECRET"))
        secret = check_secret(secret or new_secret())
        at_once = None if pipeline.session.target.traits.limits_account_concurrency else AT_ONCE
        pipeline.settings = replace(
            pipeline.settings, signed_prefix="/", signing_secret=secret, publish_concurrency=at_once
        )
        pipeline.build(progress=progress)
        return cls(pipeline)

    def handout(self) -> Card:
        """What each learner sets before JupyterLab starts. Show it to the class, and to nobody else."""
        here = self._aws.target.endpoint_url
        note = "Whoever has both can report to the board, under any name."
        if here:
            note += " This address is for this machine; for others on a network: webhook-lab class --help."
        rows = ((ADDRESS, self.url), (SECRET, self.secret), (NAME, "what the board shall call you"))
        return Card("The class", self.pipeline.names.prefix, rows, note=note)

    def board(self) -> Board:
        """Who is where, now."""
        self._look()
        return self._standings.board(self._aws.now())

    async def watch(self, minutes: float = 240) -> None:
        """Show the board, anew every second, until the cell is interrupted or the time is over."""
        from webhook_lab.show.live_board import LiveBoard

        await LiveBoard(self.board, seconds=minutes * 60).start().finish()

    def newest(self) -> dict[str, Any]:
        """The report that was stored last, as its sender wrote it; empty where there is none."""
        self._look()
        found: dict[str, Any] = json.loads(self._latest)
        return found

    def counts(self) -> Card:
        """What became of every report: a Scan of the whole table."""
        names = self.pipeline.names
        with explain(f"count the reports in table {names.table!r}"):
            items = read_items(self._dynamodb, table=names.table)
            waiting = depth(self._aws.sqs, url=self.pipeline.get("queue").url)
            dead = depth(self._aws.sqs, url=self.pipeline.get("dlq").url)
        conflicts = sum("conflict_of" in item for item in items)
        again = sum(len(item["delivered_by"]) - 1 for item in items)
        rows = (
            ("stored", len(items) - conflicts),
            ("came again, and were stored once", again),
            ("came under a taken id with another body", conflicts),
            ("waiting or in flight", waiting.visible + waiting.in_flight),
            ("in the dead-letter queue", dead.visible),
        )
        return Card("Reports", names.table, rows)

    def teardown(self) -> Card:
        """Remove the class's pipeline with all reports, and prove that nothing is left."""
        done = self.pipeline.teardown()
        return cards.teardown_card(
            done.removed, sweep.still_there(self._aws, self.pipeline.names.prefix, done)
        )

    def _look(self) -> None:
        """Take on what was stored since the last look, by subscribe's own lines; once a minute by a Scan.

        On the teacher's machine a Scan of a whole day's class takes a second.
        """
        if time.monotonic() >= self._scan_at:
            self._scan()
            self._scan_at = time.monotonic() + SCAN_SECONDS
            return
        with explain(f"read table {self.pipeline.names.table!r}"):
            stored = [line["id"] for line in self._lines.read() if line.get("outcome") == "stored"]
            for i in range(0, len(stored), 100):
                self._fetch(stored[i : i + 100])

    def _fetch(self, ids: list[str]) -> None:
        """Take on these items; one that AWS is too busy to give comes with the next Scan."""
        table = self.pipeline.names.table
        wanted: Any = {table: {"Keys": [{"id": {"S": each}} for each in dict.fromkeys(ids)], **ATTRIBUTES}}
        for item in self._dynamodb.batch_get_item(RequestItems=wanted)["Responses"].get(table, []):
            self._take(item)

    def _scan(self) -> None:
        """Take on what was stored since the last Scan, and a while before: items appear out of order."""
        scan: Any = self._dynamodb.get_paginator("scan")
        since = self._newest - OVERLAP
        with explain(f"read table {self.pipeline.names.table!r}"):
            pages = scan.paginate(
                TableName=self.pipeline.names.table,
                FilterExpression="#finished > :since",
                ExpressionAttributeValues={":since": {"N": str(since)}},
                **ATTRIBUTES,
            )
            for item in (each for page in pages for each in page["Items"]):
                self._take(item)

    def _take(self, item: Any) -> None:
        body, finished_at = item["body"].get("S", "{}"), int(item["finished_at"]["N"])
        if finished_at >= self._newest:
            self._newest, self._latest = finished_at, body
        if report := Report.read(body):
            self._standings.add(report, int(item["received_at"]["N"]))
