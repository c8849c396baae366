"""An AWS that holds a policy against every boto3 call of this process, and writes down what was needed."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import botocore.client
from botocore.exceptions import ClientError
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from tests.policy.authorization import ACCOUNT, REGION, Need, needs

LEARNER = f"arn:aws:iam::{ACCOUNT}:user/learner"
VARIABLE = "WEBHOOK_LAB_TESTS_LEARNER"
"""Names a folder with `policy.json`; beside it `needs.jsonl` is written. Then every process enforces it."""
_UNTIL_THE_END = ExitStack()


class Policy:
    """A policy document as IAM evaluates it, by the emulator's own evaluator."""

    def __init__(self, document: Any) -> None:
        self._statements = parse_policy_document(document)

    def allows(self, need: Need) -> bool:
        asked = EvalContext(
            principal_arn=LEARNER,
            principal_type="User",
            principal_account=ACCOUNT,
            action=need.action,
            resource_arn=need.resource,
            region=REGION,
            service_context={key.lower(): value for key, value in need.context},
        )
        return bool(evaluate(asked, [self._statements]).decision == "Allow")


class Learner:
    """Whoever calls AWS in this process: allowed what the policy allows, and nothing else."""

    def __init__(self, policy: Policy, needed: Any) -> None:
        self.policy, self.needed = policy, needed
        self.call = botocore.client.BaseClient._make_api_call
        self.function_of: dict[str, str] = {}

    def __call__(self, client: Any, operation: str, params: Any) -> Any:
        model = client.meta.service_model
        self._remember(client, operation, params)
        for need in needs(model.service_name, model.operation_model(operation), params, self.function_of):
            self.needed(f"{model.service_name}:{operation}", need)
            if not self.policy.allows(need):
                said = f"User: {LEARNER} is not authorized to perform: {need.action} on {need.resource}"
                raise ClientError({"Error": {"Code": "AccessDenied", "Message": said}}, operation)
        return self.call(client, operation, params)

    def _remember(self, client: Any, operation: str, params: Any) -> None:
        uuid = params.get("UUID")
        if uuid and uuid not in self.function_of and operation.endswith("EventSourceMapping"):
            try:
                found = self.call(client, "GetEventSourceMapping", {"UUID": uuid})
            except ClientError:  # it is gone: nobody can tell any more whose it was
                found = {"FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:gone"}
            self.function_of[uuid] = found["FunctionArn"]


@contextmanager
def enforced(document: Any, needed: Any) -> Iterator[None]:
    """Every boto3 call in the block is made by who has this policy and no other."""
    learner = Learner(Policy(document), needed)

    def call(client: Any, operation: str, params: Any) -> Any:
        return learner(client, operation, params)

    with mock.patch.object(botocore.client.BaseClient, "_make_api_call", call):
        yield


def enforce_by_environment() -> None:
    """As `enforced`, until the process ends."""
    folder = Path(os.environ[VARIABLE])
    who, seen = os.environ.get(f"{VARIABLE}_IS", ""), set[tuple[str, Need]]()

    def needed(call: str, need: Need) -> None:
        if (call, need) not in seen:
            seen.add((call, need))
            with (folder / "needs.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps([who, call, *need]) + "\n")

    policy = json.loads((folder / "policy.json").read_text(encoding="utf-8"))
    _UNTIL_THE_END.enter_context(enforced(policy, needed))


def read_needs(lines: Iterable[str]) -> Iterator[tuple[str, str, Need]]:
    """Who, which call, and what it needed, from what was written down."""
    for line in lines:
        who, call, action, resource, context = json.loads(line)
        yield who, call, Need(action, resource, tuple((key, value) for key, value in context))
