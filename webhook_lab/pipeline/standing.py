"""Everything in an account that could be a lab's, whoever made it: one listing for each kind of thing."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from webhook_lab.aws.errors import code_of
from webhook_lab.aws.session import Session
from webhook_lab.pipeline.naming import ROLE_PATH, TAG_KEY
from webhook_lab.resources.ownership import from_pairs

LOGS = "/aws/lambda/"
"""What the names of functions' log groups begin with."""

_GONE = ("AWS.SimpleQueueService.NonExistentQueue", "NoSuchEntity", "ResourceNotFoundException")
Tags = dict[str, str]


@dataclass(frozen=True)
class Standing:
    """One resource that exists.

    Args:
        kind: "alarm", "mapping", "api", "function", "queue", "table", "role" or "log_group".
        name: as AWS shows it; a mapping is called by its function.
        id: what deletes it where a name does not, or what AWS knows it by.
        arn: empty where its tags are known without it.
        read_tags: asks the service for its tags.
        queue: the name of the queue that a mapping reads.
    """

    kind: str
    name: str
    id: str
    arn: str
    read_tags: Callable[[], Tags]
    queue: str = ""

    @property
    def base(self) -> str:
        """The name without what Lambda puts before a log group's."""
        return self.name.removeprefix(LOGS)

    def tag(self, key: str = TAG_KEY) -> str | None:
        """The value of the lab's tag on it; None without one, or when it was deleted since it was listed."""
        try:
            return self.read_tags().get(key)
        except ClientError as error:
            if code_of(error) in _GONE:
                return None
            raise


def tagged_arns(session: Session, prefix: str | None) -> set[str]:
    """ARNs that the tagging API knows by the lab's tag (any lab's for None).

    Only a hint: it lags behind, does not know roles, and neither every target nor every learner has it.
    """
    wanted: Any = {"Key": TAG_KEY, **({"Values": [prefix]} if prefix else {})}
    try:
        pages = session.tagging.get_paginator("get_resources").paginate(TagFilters=[wanted])
        return {row["ResourceARN"] for page in pages for row in page["ResourceTagMappingList"]}
    except ClientError:
        return set()


def functions(session: Session) -> Iterator[Standing]:
    """Every function of the region."""
    for row in _rows(session.lambda_, "list_functions", "Functions"):
        arn = row["FunctionArn"]
        yield Standing("function", row["FunctionName"], arn, arn, partial(_lambda_tags, session, arn))


def mappings(session: Session) -> Iterator[Standing]:
    """Every event source mapping that reads a queue."""
    for row in _rows(session.lambda_, "list_event_source_mappings", "EventSourceMappings"):
        service, _, _, queue = row.get("EventSourceArn", ":::::").split(":", 5)[2:]
        if service == "sqs":
            function, arn = row["FunctionArn"].split(":")[6], row.get("EventSourceMappingArn", "")
            read_tags = partial(_lambda_tags, session, arn) if arn else dict
            yield Standing("mapping", function, row["UUID"], arn, read_tags, queue)


def queues(session: Session, prefix: str | None) -> Iterator[Standing]:
    """Every queue of the region whose name begins with `prefix`."""
    where: dict[str, str] = {"QueueNamePrefix": prefix} if prefix else {}
    arn = f"arn:aws:sqs:{session.target.region}:{session.target.account}:"
    for url in _rows(session.sqs, "list_queues", "QueueUrls", PaginationConfig={"PageSize": 1000}, **where):
        name = url.rsplit("/", 1)[-1]
        yield Standing("queue", name, url, arn + name, partial(_queue_tags, session, url))


def tables(session: Session) -> Iterator[Standing]:
    """Every table of the region."""
    for name in _rows(session.dynamodb, "list_tables", "TableNames"):
        arn = f"arn:aws:dynamodb:{session.target.region}:{session.target.account}:table/{name}"
        yield Standing("table", name, arn, arn, partial(_table_tags, session, arn))


def apis(session: Session) -> Iterator[Standing]:
    """Every REST API of the region; a name may occur twice."""
    for row in _rows(session.apigateway, "get_rest_apis", "items", PaginationConfig={"PageSize": 500}):
        yield Standing("api", row["name"], row["id"], "", partial(dict, row.get("tags", {})))


def alarms(session: Session) -> Iterator[Standing]:
    """Every alarm of the region on one metric; none where nothing publishes metrics."""
    if session.target.traits.publishes_metrics:
        for row in _rows(session.cloudwatch, "describe_alarms", "MetricAlarms"):
            name, arn = row["AlarmName"], row["AlarmArn"]
            yield Standing("alarm", name, arn, arn, partial(_alarm_tags, session, arn))


def log_groups(session: Session) -> Iterator[Standing]:
    """Every log group of a function, existing or not."""
    for row in _rows(session.logs, "describe_log_groups", "logGroups", logGroupNamePrefix=LOGS):
        arn = row["arn"].removesuffix(":*")
        yield Standing("log_group", row["logGroupName"], arn, arn, partial(_log_group_tags, session, arn))


def roles(session: Session) -> Iterator[Standing]:
    """Every role at the labs' path, and none below it."""
    for row in _rows(session.iam, "list_roles", "Roles", PathPrefix=ROLE_PATH):
        name, arn = row["RoleName"], row["Arn"]
        if row["Path"] == ROLE_PATH:
            yield Standing("role", name, arn, arn, partial(_role_tags, session, name))


def _rows(client: Any, method: str, key: str, **params: Any) -> Iterable[Any]:
    for page in client.get_paginator(method).paginate(**params):
        yield from page.get(key, [])


def _lambda_tags(session: Session, arn: str) -> Tags:
    return session.lambda_.list_tags(Resource=arn).get("Tags", {})


def _queue_tags(session: Session, url: str) -> Tags:
    return session.sqs.list_queue_tags(QueueUrl=url).get("Tags", {})


def _table_tags(session: Session, arn: str) -> Tags:
    return from_pairs(_rows(session.dynamodb, "list_tags_of_resource", "Tags", ResourceArn=arn))


def _alarm_tags(session: Session, arn: str) -> Tags:
    return from_pairs(session.cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"])


def _log_group_tags(session: Session, arn: str) -> Tags:
    return session.logs.list_tags_for_resource(resourceArn=arn).get("tags", {})


def _role_tags(session: Session, name: str) -> Tags:
    return from_pairs(_rows(session.iam, "list_role_tags", "Tags", RoleName=name))
