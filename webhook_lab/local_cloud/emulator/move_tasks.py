"""Message move tasks: SQS itself takes what lies in a dead-letter queue back to where it came from.

AWS: StartMessageMoveTask starts one for a queue that is another's dead-letter queue, one at a time, at 500
    messages a second at most; a moved message is a new one; the last ten tasks are listed
    (docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html).
    Assumed: what somebody hides stays, and a task is over when nothing is visible any more.
Emulator: InvalidAction.
Shown by: test_a_task_moves_what_is_visible_and_each_message_comes_as_a_new_one
Upstream: a fix retires this. Not there: the query protocol, whose SDKs are older than these calls.
"""

import asyncio
import base64
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from ministack.services import sqs

from webhook_lab.facts import quotas

_MOST, _LISTED = quotas.SQS_MOVES_PER_SECOND.value, 10
_NO_QUEUE = "The resource that you specified for the {} parameter doesn't exist."
_NO_DLQ = "Source queue must be configured as a Dead Letter Queue."
_ONE_AT_A_TIME = (
    "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
)

Payload = dict[str, Any]


@dataclass
class _Task:
    """One task, under the names that ListMessageMoveTasks has for what it tells."""

    source: Payload
    destination_arn: str | None
    per_second: int | None
    status: str = "RUNNING"
    moved: int = 0
    reason: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: int = field(default_factory=lambda: time.time_ns() // 1_000_000)

    def __post_init__(self) -> None:
        self.to_move = len(self.visible())
        self.running = asyncio.create_task(self._run())

    @property
    def source_arn(self) -> str:
        return str(self.source["attributes"]["QueueArn"])

    @property
    def handle(self) -> str:
        return base64.b64encode(
            json.dumps({"taskId": self.id, "sourceArn": self.source_arn}).encode()
        ).decode()

    def told(self) -> Payload:
        """What a list says of it: what is not so is left out."""
        every = {
            "TaskHandle": self.status == "RUNNING" and self.handle,
            "Status": self.status,
            "SourceArn": self.source_arn,
            "DestinationArn": self.destination_arn,
            "MaxNumberOfMessagesPerSecond": self.per_second,
            "FailureReason": self.reason,
        }
        moved = {"ApproximateNumberOfMessagesMoved": self.moved, "StartedTimestamp": self.started}
        told = {name: value for name, value in every.items() if value}
        return {**told, **moved, "ApproximateNumberOfMessagesToMove": self.to_move}

    def visible(self) -> list[Payload]:
        return [each for each in self.source["messages"] if each["visible_at"] <= time.time()]

    async def _run(self) -> None:
        rate = self.per_second or _MOST
        some = max(1, rate // 10)
        try:
            while self.status == "RUNNING" and (waiting := self.visible()):
                for message in waiting[:some]:
                    self._move(message)
                await asyncio.sleep(some / rate)
            self.status = "COMPLETED" if self.status == "RUNNING" else "CANCELLED"
        except sqs._Err as error:
            self.status, self.reason = "FAILED", error.code

    def _move(self, message: Payload) -> None:
        """In one step of the event loop: nobody sees a message in both queues, or in neither."""
        told = message["sys"]
        arn = self.destination_arn or told.get("DeadLetterQueueSourceArn")
        if arn is None:
            raise sqs._Err("CouldNotDetermineMessageSource", "")
        queue = sqs._queue_by_arn(arn)
        if queue is None:
            raise sqs._Err("AWS.SimpleQueueService.NonExistentQueue", "")
        trace = {"AWSTraceHeader": {"StringValue": told.get("AWSTraceHeader")}}
        copy = {"MessageBody": message["body"], "MessageAttributes": message["message_attributes"]}
        copy |= {"MessageSystemAttributes": trace, "MessageGroupId": message["group_id"]}
        fresh = {"MessageDeduplicationId": str(uuid.uuid4())} if queue["is_fifo"] else {}
        sqs._act_send_message({"QueueUrl": queue["url"], **copy, **fresh}, "")
        self.source["messages"].remove(message)
        self.moved += 1


def message_move_tasks() -> None:
    """Add the three calls."""
    calls = {"StartMessageMoveTask": _start, "ListMessageMoveTasks": _list, "CancelMessageMoveTask": _cancel}
    sqs._HANDLERS.update(calls)


def _start(asked: Payload, _: str) -> Payload:
    source, rate = _queue(asked, "SourceArn"), asked.get("MaxNumberOfMessagesPerSecond")
    if not any(_dead_letters_of(queue) == asked["SourceArn"] for queue in sqs._queues.values()):
        raise sqs._Err("InvalidParameterValue", _NO_DLQ)
    if asked.get("DestinationArn"):
        _queue(asked, "DestinationArn")
    if rate is not None and not 1 <= rate <= _MOST:
        said = f"Value {rate} for parameter MaxNumberOfMessagesPerSecond is invalid."
        raise sqs._Err("InvalidParameterValue", said)
    tasks: list[_Task] = source.setdefault("move_tasks", [])
    if any(task.status in ("RUNNING", "CANCELLING") for task in tasks):
        raise sqs._Err("InvalidParameterValue", _ONE_AT_A_TIME)
    tasks.insert(0, _Task(source, asked.get("DestinationArn"), rate))
    del tasks[_LISTED:]
    return {"TaskHandle": tasks[0].handle}


def _list(asked: Payload, _: str) -> Payload:
    tasks = _queue(asked, "SourceArn").get("move_tasks", [])
    return {"Results": [task.told() for task in tasks[: asked.get("MaxResults") or 1]]}


def _cancel(asked: Payload, _: str) -> Payload:
    every = [task for queue in sqs._queues.values() for task in queue.get("move_tasks", [])]
    task = next((each for each in every if each.handle == asked.get("TaskHandle")), None)
    if task is None:
        raise sqs._Err("ResourceNotFoundException", "Task does not exist.", 404)
    if task.status != "RUNNING":
        raise sqs._Err("UnsupportedOperation", "Only active tasks can be cancelled.")
    task.status = "CANCELLING"
    return {"ApproximateNumberOfMessagesMoved": task.moved}


def _queue(asked: Payload, parameter: str) -> Payload:
    queue: Payload | None = sqs._queue_by_arn(asked.get(parameter, ""))
    if queue is None:
        raise sqs._Err("ResourceNotFoundException", _NO_QUEUE.format(parameter), 404)
    return queue


def _dead_letters_of(queue: Payload) -> str | None:
    policy = json.loads(queue["attributes"].get("RedrivePolicy") or "{}")
    arn: str | None = policy.get("deadLetterTargetArn")
    return arn
