"""The pipeline that the commands speak of: finding it without starting a cloud for it, and its facts."""

import os
from typing import Any

from webhook_lab.aws.errors import LabError, explain
from webhook_lab.local_cloud import Cloud, running_cloud
from webhook_lab.pipeline import STEPS, Pipeline, open_pipeline, retire_dead_ledgers
from webhook_lab.pipeline.naming import FUNCTIONS
from webhook_lab.resources.cleanup import Left
from webhook_lab.resources.queue import depth

NOTHING = "Nothing stands: no local cloud is running."


NO_FACTS: dict[str, Any] = {
    **dict.fromkeys(("name", "endpoint_url", "region", "account", "url", "queue_url", "dlq_url", "table")),
    "target": "local",
    "functions": [],
}
"""What `facts_of` tells, where there is nothing to tell it of."""


def shares_the_cloud() -> bool:
    """Whether the target is the local cloud that all commands share: no other is named."""
    return (os.environ.get("WEBHOOK_LAB_TARGET", "").strip() or "local") == "local"


def find_pipeline() -> Pipeline | None:
    """The pipeline on the target. None: it could stand on the shared cloud only, and that does not run."""
    if shares_the_cloud() and running_cloud() is None:
        retire_dead_ledgers()
        return None
    return open_pipeline()


def demand_pipeline() -> Pipeline:
    """The pipeline on the target, where something answers. Raises LabError where nothing does."""
    if (pipeline := find_pipeline()) is None:
        raise LabError("find the pipeline", NOTHING, "Run `webhook-lab up`.")
    return pipeline


def demand(pipeline: Pipeline, key: str) -> Any:
    """One step's resource. Raises LabError if it does not stand."""
    if (found := pipeline.look_up(key)) is None:
        said = f"{STEPS[key].label} {STEPS[key].name(pipeline.names)!r} does not exist"
        raise LabError("use the pipeline", said, "Run `webhook-lab up`.")
    return found


def cloud_of(pipeline: Pipeline) -> Cloud | None:
    """The shared cloud, if that is the one that the pipeline is on."""
    cloud = running_cloud()
    return cloud if cloud and pipeline.session.target.instance == f"local-{cloud.nonce}" else None


def facts_of(pipeline: Pipeline, found: dict[str, Any]) -> dict[str, Any]:
    """The pipeline in plain values, given each step's resource. What does not stand is None or not listed."""
    target, api, named = (
        pipeline.session.target,
        found["api"],
        [found[f"{each}_function"] for each in FUNCTIONS],
    )
    return {
        "name": pipeline.names.prefix,
        "target": target.name,
        "endpoint_url": target.endpoint_url,
        "region": target.region,
        "account": target.account,
        "url": target.invoke_url(api.id, api.stage) if api and api.stage else None,
        "queue_url": found["queue"] and found["queue"].url,
        "dlq_url": found["dlq"] and found["dlq"].url,
        "table": found["table"] and found["table"].name,
        "functions": [function.name for function in named if function],
    }


def depth_of(pipeline: Pipeline, queue: Any) -> dict[str, int]:
    """About how many messages a queue holds: visible, in flight and delayed."""
    with explain(f"read the depth of queue {queue.name!r}"):
        return dict(vars(depth(pipeline.session.sqs, url=queue.url)))


def told_left(left: Left) -> str:
    """What is left after a cleanup, why, and the way out."""
    what = (
        f"{left.kind.replace('_', ' ')} {left.name}: still there" if left.name else f"{left.kind}: not seen"
    )
    return f"{what}\n  said: {left.said}\n  try:  {left.try_this}"


def told_depth(depth: dict[str, int]) -> str:
    """The same in words."""
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in depth.items())
