"""What both doors are: a REGIONAL REST API that takes any method and any path, deployed to one stage.

Calls: GetRestApis, GetRestApi, GetResources, GetStages, GetStage, GetDeployment; CreateRestApi,
CreateDeployment; DeleteRestApi. API Gateway allows some of these only every few seconds: they are repeated
while it says TooManyRequests, DeleteRestApi by whoever cleans up.
Account-wide settings are never touched. Names of APIs are not unique: one without our tags is another API.
"""

import hashlib
import json
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Self

from webhook_lab.aws.retry import retry_on
from webhook_lab.aws.session import Session
from webhook_lab.facts import prices
from webhook_lab.resources.ownership import TAG_KEY, Tags, absent_is_none, existed, is_ours, pages
from webhook_lab.resources.resource import IN_USE, Listed, Resource

ROOT, ANY_PATH = "/", "/{proxy+}"
STAGE = "prod"
"""The stage that senders post to. Others that somebody adds are left alone."""
REGIONAL: Any = {"types": ["REGIONAL"]}
GONE = "NotFoundException"


@dataclass(frozen=True)
class AnyUrlApi(Resource):
    """A REST API with ``ANY /`` and ``ANY /{proxy+}``; `stage` is None until it is deployed."""

    kind: ClassVar[str] = "api"
    title: ClassVar[str] = "REST API"
    idle: ClassVar[str] = IN_USE.format(prices.REST_API_REQUESTS)

    stage: str | None = field(default=STAGE, kw_only=True)
    api_id: str = field(default="", kw_only=True)

    @property
    def id(self) -> str:
        return self.api_id

    @classmethod
    @abstractmethod
    def as_it_is(cls, aws: Session, resources: dict[str, Any]) -> dict[str, Any]:
        """What the kind's own fields are, by the API's resources."""

    @classmethod
    def describe(cls, aws: Session, name: str, tags: Tags | None = None) -> Self | None:
        """The API as it is now, or None; without tags the first of that name."""
        return next(cls._described(aws, name, tags), None)

    @classmethod
    def all_named(cls, aws: Session, name: str, tags: Tags) -> list[Self]:
        return list(cls._described(aws, name, tags))

    @classmethod
    def _described(cls, aws: Session, name: str, tags: Tags | None) -> Iterator[Self]:
        for api in named_apis(aws, name, tags):
            stages = {each["stageName"] for each in aws.apigateway.get_stages(restApiId=api["id"])["item"]}
            found = cls.as_it_is(aws, resources_of(aws, api["id"]))
            yield cls(name, **found, stage=STAGE if STAGE in stages else None, api_id=api["id"])

    @classmethod
    def delete(cls, aws: Session, identity: str) -> bool:
        """Delete the API. AWS allows an account one deletion in 30 s, and says TooManyRequests to more."""
        return existed(lambda: aws.apigateway.delete_rest_api(restApiId=identity), GONE)

    @classmethod
    def list_all(cls, aws: Session, prefix: str | None) -> Iterator[Listed]:  # noqa: ARG003
        """Every REST API of the region; a name may occur twice."""
        for row in pages(aws.apigateway, "get_rest_apis", "items", PaginationConfig={"PageSize": 500}):
            yield Listed(row["name"], row["id"], "", partial(_listed_tags, aws, row))

    @classmethod
    def console_page(cls, aws: Session, name: str) -> str:  # noqa: ARG003
        return f"apigateway/main/apis?region={aws.target.region}"


def create(aws: Session, name: str, tags: Tags, **settings: Any) -> Any:
    """A new API; or an older one of that name with the tags, which another machine made meanwhile.

    So is one whose answer was lost, so that boto3 asked once more. The newer of the two is deleted.
    """
    ask = partial(aws.apigateway.create_rest_api, name=name, endpointConfiguration=REGIONAL, tags=dict(tags))
    made = patiently(partial(ask, **settings))
    return _oldest(aws, (made, *named_apis(aws, name, tags)))


def only_api(aws: Session, name: str, tags: Tags) -> Any:
    """The API of that name, or None. Of twins the oldest stays."""
    return _oldest(aws, named_apis(aws, name, tags))


def _oldest(aws: Session, apis: Iterable[Any]) -> Any:
    by_id = {each["id"]: each for each in apis}.values()
    oldest, *twins = sorted(by_id, key=lambda each: (each["createdDate"], each["id"])) or [None]
    for twin in twins:
        patiently(partial(AnyUrlApi.delete, aws, twin["id"]))
    return oldest


def undeployed_methods(aws: Session, *, api_id: str) -> tuple[str, ...]:
    """The methods, as ``"ANY /"``, that the API has and the stage's deployment has not, or the reverse.

    Whether a method's integration is another one by now, no deployment tells.
    """
    resources = resources_of(aws, api_id).items()
    now = {f"{method} {path}" for path, each in resources for method in each.get("resourceMethods", {})}
    deployed = aws.apigateway.get_deployment(
        restApiId=api_id,
        deploymentId=aws.apigateway.get_stage(restApiId=api_id, stageName=STAGE)["deploymentId"],
        embed=["apisummary"],
    ).get("apiSummary", {})
    return tuple(sorted(now ^ {f"{method} {path}" for path in deployed for method in deployed[path]}))


def _listed_tags(aws: Session, row: Any) -> dict[str, str]:
    """The tags that came with the list; one that has a lab's is asked for by itself, since lists lag."""
    if TAG_KEY not in row.get("tags", {}):
        return dict(row.get("tags", {}))
    return aws.apigateway.get_rest_api(restApiId=row["id"]).get("tags", {})


def digest(content: Any) -> str:
    """Of what a deployment holds, in 12 characters."""
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]


def named_apis(aws: Session, name: str, tags: Tags | None) -> Iterator[Any]:
    """The APIs of that name with the tags; names are not unique. One that is gone may be listed still."""
    for listed in pages(aws.apigateway, "get_rest_apis", "items", PaginationConfig={"PageSize": 500}):
        if listed["name"] == name and is_ours(listed.get("tags", {}), tags):
            look = partial(aws.apigateway.get_rest_api, restApiId=listed["id"])
            if api := absent_is_none(look, GONE):
                yield api


def deploy(aws: Session, api_id: str, content: Any) -> None:
    """Deploy when the stage serves something else. A deployment says what it holds in its description."""
    description = f"webhook-lab {digest(content)}"
    current = absent_is_none(lambda: aws.apigateway.get_stage(restApiId=api_id, stageName=STAGE), GONE)
    deployment_id = current["deploymentId"] if current else ""
    deployed = current and aws.apigateway.get_deployment(restApiId=api_id, deploymentId=deployment_id)
    if not deployed or deployed.get("description") != description:
        patiently(
            lambda: aws.apigateway.create_deployment(
                restApiId=api_id, stageName=STAGE, description=description
            )
        )


def resources_of(aws: Session, api_id: str) -> dict[str, Any]:
    """The API's resources by path, with their methods."""
    items = aws.apigateway.get_resources(restApiId=api_id, embed=["methods"], limit=500)["items"]
    return {item["path"]: item for item in items}


def patiently(action: Callable[[], Any]) -> Any:
    """Repeat what API Gateway allows an account only every few seconds."""
    return retry_on(
        action,
        codes=("TooManyRequestsException",),
        seconds=300,
        reason="API Gateway creates, deploys and deletes seldom, and a class shares one account's turns",
        first_pause=2.0,
        longest_pause=15.0,
    )
