"""Sending recorded deliveries, showing what came of them, and taking back what failed."""

import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from webhook_lab.aws.errors import LabError, explain
from webhook_lab.cli.report import STOPPED, Result, progress, reports
from webhook_lab.cli.standing import demand, demand_pipeline, depth_of, told_depth
from webhook_lab.pipeline import Pipeline
from webhook_lab.pipeline.naming import FUNCTIONS
from webhook_lab.pipeline.operations import redrive as redrive_messages
from webhook_lab.send.recorded import read_deliveries
from webhook_lab.send.sender import Delivery, left_out, post, told_left_out
from webhook_lab.send.signing import check_secret, github_headers, standard_webhooks_headers
from webhook_lab.show.cards import items_card, peek_card, redrive_card
from webhook_lab.watch.items import read_items
from webhook_lab.watch.log_lines import read_lines
from webhook_lab.watch.peek import peek
from webhook_lab.watch.rows import Answer

AT_ONCE = 4
"""Deliveries on their way at one time: as many publish functions run, about 50 MB each locally."""
_LISTED = 10


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option("--url-path", default="/recorded", show_default=True, help="Where to post to, query and all.")
@click.option("--secret", envvar="SIGNING_SECRET", help="Sign each delivery with it (also: SIGNING_SECRET).")
@reports
def send(paths: tuple[Path, ...], url_path: str, secret: str | None) -> Result:
    """Post files, and all files in folders, byte for byte.

    The headers of push.json are one JSON object in push.json.headers.json; those that belong to a connection,
    such as Host, are left out, and that is said. Exit code 0: each one got 202.
    """
    deliveries = list(read_deliveries(paths, url_path=url_path))
    if secret:
        check_secret(secret)
        deliveries = [_signed(delivery, secret) for delivery in deliveries]
    pipeline = demand_pipeline()
    api = demand(pipeline, "api")
    url = pipeline.session.target.invoke_url(api.id, api.stage)
    settles = pipeline.session.target.traits.patience
    sent = _send_all(partial(post, url, settles=settles), deliveries)
    statuses = dict(sorted(Counter(status for _, status, _ in sent).items()))
    refused = [(name, said) for name, status, said in sent if status != "202"]
    not_sent = len(deliveries) - len(sent)
    dropped = sorted({name.lower() for each in deliveries for name in left_out(each.headers)})
    facts = {"url": url, "sent": len(sent), "not_sent": not_sent, "by_status": statuses, "refused": refused}
    facts["headers_left_out"] = dropped
    lines = [f"{count} × {status}" for status, count in statuses.items()]
    lines += [f"  {name}: {said}" for name, said in refused[:_LISTED]]
    if len(refused) > _LISTED:
        lines.append(f"  … and {len(refused) - _LISTED} more")
    if dropped:
        lines.append(told_left_out(dropped))
    if not_sent:
        lines.append(f"Stopped: {not_sent} not sent.")
    return Result(facts, "\n".join(lines), code=STOPPED if not_sent else 1 if refused else 0)


def _send_all(send: Callable[[Delivery], Answer], deliveries: list[Delivery]) -> list[tuple[str, str, str]]:
    """Post all, a few at once, in no order: the name, the status and the answer of each that was sent.

    Ctrl-C lets those on their way arrive, and sends no more.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool, progress(len(deliveries), "Sending") as step:
        posted: dict[Future[Answer], str] = {pool.submit(send, each): each.name for each in deliveries}
        try:
            for future in as_completed(posted):
                step(posted[future])
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
    sent = []
    for future, name in posted.items():
        if not future.cancelled():
            try:
                sent.append((name, str(future.result().status), repr(future.result())))
            except LabError as error:
                sent.append((name, "no answer", error.said))
    return sent


def _signed(delivery: Delivery, secret: str) -> Delivery:
    """As its sender signs it: GitHub's way if it has GitHub's headers, else by Standard Webhooks."""
    given = {
        name.lower(): value if isinstance(value, str) else "".join(value[-1:])  # API Gateway tells the last
        for name, value in delivery.headers.items()
    }
    if event := given.get("x-github-event"):
        id_ = given.get("x-github-delivery") or str(uuid.uuid4())
        signature = github_headers(secret, delivery.body, delivery_id=id_, event=event)
    else:
        id_ = given.get("webhook-id") or f"msg_{uuid.uuid4().hex}"
        try:
            signature = standard_webhooks_headers(secret, delivery.body, delivery_id=id_)
        except UnicodeDecodeError as error:
            said = f"Standard Webhooks signs text, and this is not UTF-8 ({error.reason})"
            try_this = "Give it a header X-GitHub-Event: GitHub signs bytes."
            raise LabError(f"sign {delivery.name}", said, try_this) from error
    replaced = {name.lower() for name in signature}
    kept = {name: value for name, value in delivery.headers.items() if name.lower() not in replaced}
    return replace(delivery, headers={**kept, **signature})


@click.command()
@click.argument("what", type=click.Choice(["table", "queue", "dlq", "logs"]))
@reports
def show(what: str) -> Result:
    """Show the table's items, the messages of a queue, or the functions' log lines."""
    return _SHOW[what](demand_pipeline(), what)


def _table(pipeline: Pipeline, key: str) -> Result:
    name = demand(pipeline, key).name
    with explain(f"read table {name!r}"):
        items = read_items(pipeline.session.dynamodb, table=name)
    return Result({"table": name, "items": items}, repr(items_card(items)))


def _queue(pipeline: Pipeline, key: str) -> Result:
    queue = demand(pipeline, key)
    depth, messages = depth_of(pipeline, queue), peek(pipeline.session, queue_url=queue.url)
    text = f"{queue.name}: {told_depth(depth)}\n"
    text += "SQS shows messages only to who receives them." if messages is None else repr(peek_card(messages))
    return Result({"name": queue.name, "url": queue.url, "depth": depth, "messages": messages}, text)


def _logs(pipeline: Pipeline, _: str) -> Result:
    groups = [demand(pipeline, f"{each}_logs").name for each in FUNCTIONS]
    with explain("read the functions' log lines"):
        lines = [line for group in groups for line in read_lines(pipeline.session.logs, log_group=group)]
    lines.sort(key=lambda line: int(line["at"]))
    text = "\n".join(_told(line) for line in lines) or "No function has written anything yet."
    return Result({"log_groups": groups, "lines": lines}, text)


def _told(line: dict[str, Any]) -> str:
    at = datetime.fromtimestamp(int(line["at"]) / 1000, UTC)
    rest = [f"{name}={value}" for name, value in line.items() if name not in ("at", "function", "event")]
    return " ".join([f"{at:%H:%M:%S.%f}"[:-3], str(line.get("function")), line["event"], *rest])


_SHOW: dict[str, Callable[[Pipeline, str], Result]] = {
    "table": _table,
    "queue": _queue,
    "dlq": _queue,
    "logs": _logs,
}


@click.command()
@reports
def redrive() -> Result:
    """Move the messages of the dead-letter queue back to the queue.

    SQS does it, and goes on when this is stopped: run it again to follow. Exit code 0: none is left.
    """
    pipeline = demand_pipeline()
    demand(pipeline, "dlq")
    done = redrive_messages(pipeline)
    return Result(vars(done), repr(redrive_card(done)), code=1 if done.left else 0)
