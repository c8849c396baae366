"""The pipeline's resources as one test makes them, beside those of every other test."""

import io
import zipfile
from dataclasses import dataclass
from typing import Any

from webhook_lab.aws.session import Session
from webhook_lab.resources.function import Function
from webhook_lab.resources.log_group import LogGroup
from webhook_lab.resources.mapping import Mapping
from webhook_lab.resources.policies import subscribe_policy
from webhook_lab.resources.queue import Queue
from webhook_lab.resources.resource import Resource
from webhook_lab.resources.rest_api import RestApi
from webhook_lab.resources.role import Role
from webhook_lab.resources.table import Table

TAGS = {"webhook-lab": "lab-tests"}


def zip_of(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("app.py"), text)
    return buffer.getvalue()


ECHO = zip_of(
    "import base64, hashlib\n"
    "def handler(event, context):\n"
    "    body = event.get('body') or ''\n"
    "    raw = base64.b64decode(body) if event.get('isBase64Encoded') else body.encode()\n"
    "    print('ran')\n"
    "    return {'statusCode': 202, 'body': hashlib.sha256(raw).hexdigest()}\n"
)


@dataclass
class Pipe:
    """The pipeline's resources as one test makes them, each by the name of its kind."""

    session: Session
    name: str

    def __post_init__(self) -> None:
        self.calls = self.session.calls

    def wanted(self, kind: str) -> Resource:
        name, arn = self.name, self.session.target.arn
        queue_arn = arn("sqs", name)
        match kind:
            case "table":
                return Table(name)
            case "dlq":
                return Queue(f"{name}-dlq", 180, 20, 1_209_600)
            case "queue":
                return Queue(name, 180, 20, 345_600, 5, arn("sqs", f"{name}-dlq"))
            case "log_group":
                return LogGroup(f"/aws/lambda/{name}", 1)
            case "role":
                logs, table_arn = (
                    arn("logs", f"log-group:/aws/lambda/{name}"),
                    arn("dynamodb", f"table/{name}"),
                )
                return Role(
                    name, subscribe_policy(queue_arn=queue_arn, table_arn=table_arn, log_group_arn=logs)
                )
            case "function":
                role_arn = f"arn:aws:iam::{self.session.target.account}:role/webhook-lab/{name}"
                environment = {"TABLE_NAME": name}
                return Function(name, role_arn, "python3.13", 30, 128, environment, 2, ECHO)
            case "mapping":
                return Mapping(name, queue_arn, batch_size=10, maximum_concurrency=2)
            case _:
                return RestApi(name, arn("lambda", f"function:{name}"))

    def make(self, kind: str) -> Any:
        return self.wanted(kind).ensure(self.session, TAGS)

    def describe(self, kind: str, tags: dict[str, str] | None = None) -> Any:
        """As AWS says it is; `tags` None: whosever it is."""
        wanted = self.wanted(kind)
        return type(wanted).describe(self.session, wanted.name, tags)

    def delete(self, kind: str, tags: dict[str, str] | None = TAGS) -> bool:
        """Delete what carries `tags`; None: whosever it is."""
        wanted = self.wanted(kind)
        found = type(wanted).all_named(self.session, wanted.name, tags)  # type: ignore[arg-type]
        return [type(wanted).delete(self.session, each.id) for each in found] == [True]

    def make_whole(self, kind: str) -> Any:
        """Ensure one kind and all that it needs."""
        for needed in NEEDS.get(kind, ()):
            self.make(needed)
        return self.make(kind)


KINDS = ("table", "dlq", "queue", "log_group", "role", "function", "mapping", "api")
NEEDS = {
    "queue": ("dlq",),
    "function": ("role",),
    "mapping": ("dlq", "queue", "role", "function"),
    "api": ("role", "function"),
}
