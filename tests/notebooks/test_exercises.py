"""Each chapter's exercise: not tried as it stands, not yet by plausible answers, solved by its solution.

The cells run in this process, one after the other; nbval runs them in a kernel. A solution takes the place of
the stub's comment, as it does for a learner who copies it from the notebook.
"""

import ast
import asyncio
import contextlib
import inspect
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from webhook_lab.course.chapters import CHAPTERS, Chapter
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline import open_pipeline

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
STUB = "# your code here"
SHOWN = re.compile(r"<details><summary>Solution</summary>\n\n```python\n(.*?)```\n.*?</details>", re.DOTALL)

WRONG: dict[str, tuple[str, ...]] = {
    "00": (
        """
lab.aws.dynamodb.create_table(
    TableName=lab.names.table,
    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    BillingMode="PAY_PER_REQUEST",
)
""",
        """
lab.aws.dynamodb.delete_table(TableName=lab.names.table)
lab.aws.dynamodb.create_table(
    TableName=lab.names.table,
    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    BillingMode="PROVISIONED",
    ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    Tags=[{"Key": key, "Value": value} for key, value in lab.names.tags.items()],
)
""",
    ),
    "01": (
        """
await db.burst(consumers=9, connections_each=2, webhooks=50)
""",
        """
await db.burst(consumers=4, connections_each=2, webhooks=50)
""",
    ),
    "02": (
        """
both = {"SS": ["message-1", "message-2"]}
again = {"id": {"S": lab.delivery_id("order-3")}, "body": {"S": "second copy"}, "delivered_by": both}
lab.aws.dynamodb.put_item(TableName=lab.names.table, Item=again)
""",
        """
once = {"id": {"S": lab.delivery_id("order-3")}, "body": {"S": "first copy"}}
lab.aws.dynamodb.put_item(TableName=lab.names.table, Item=once | {"delivered_by": {"SS": ["message-1"]}})
""",
    ),
    "04": (
        """
lab.invoke("publish", {**event, "path": "/orders/8", "headers": {}})
""",
        """
lab.invoke("publish", {**event, "path": "/orders/7", "headers": {"X-GitHub-Delivery": lab.delivery_id("7")}})
""",
    ),
    "05": (
        """
lab.set_reserved_concurrency(5)
""",
        """
lab.set_reserved_concurrency(3)
lab.create_mapping(maximum_concurrency=3)
""",
    ),
    "06": (
        """
lab.send("/signed/orders", order, headers={"webhook-id": lab.delivery_id("by-hand")})
""",
        """
lab.wait_for(lab.send("/orders", order, headers={"webhook-id": lab.delivery_id("by-hand")}))
""",
    ),
    "07": (
        """
lab.create_function("subscribe", zip_bytes=broken)
for _ in range(2):
    lab.wait_for(lab.send("/orders", order, headers={"webhook-id": lab.delivery_id("half")}))
""",
        """
lab.create_function("subscribe")
""",
    ),
    "08": (
        """
lab.set_throttle(4)
""",
        """
lab.set_throttle(10)
""",
    ),
    "09": (
        """
lab.configure(function_timeout=30)
lab.create_function("subscribe")
""",
        """
lab.configure(function_timeout=30, visibility_timeout=180)
lab.create_queue()
lab.create_function("subscribe")
lab.create_mapping()
""",
    ),
    "10": (
        """
lab.create_mapping(maximum_concurrency=2)
""",
        """
lab.create_mapping(maximum_concurrency=5)
""",
    ),
    "11": (
        """
lab.create_direct_api(types=("application/cloudevents+json",))
""",
        """
lab.create_direct_api(types=(*direct_api.TYPES, "application/cloudevents+json"))
""",
    ),
    "12": (
        """
lab.set_throttle(10)
""",
        """
lab.set_throttle(40)
""",
    ),
    "13": (
        """
lab.set_throttle(3)
""",
        """
lab.set_throttle(6)
""",
    ),
    "14": (
        """
lab.bad_day("wrong secret")
lab.diagnose("wrong secret", "let it drain")
""",
        """
lab.bad_day("slow database")
lab.diagnose("sender storm", BAD_DAYS["sender storm"].cure)
""",
    ),
    "15": (
        """
lab.aws.sqs.create_queue(QueueName=f"{lab.names.prefix}-stray", tags=lab.names.tags)
""",
        """
print(lab.sweep())
""",
    ),
}
"""By chapter, answers that do not solve its exercise, nor stand in the way of its solution."""

UNDONE: dict[str, tuple[str, ...]] = {
    "03": (
        """
lab.aws.sqs.send_message(QueueUrl=lab.queue_url, MessageBody="poison")
""",
        """
lab.aws.sqs.purge_queue(QueueUrl=lab.queue_url)
""",
    ),
}
"""By chapter, what takes a solved exercise back to "not yet"; for those that a wrong answer would spoil."""

each = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.number)


def solution_of(chapter: Chapter) -> str:
    return (FOLDER / "solutions" / f"{chapter.number}.py").read_text(encoding="utf-8")


@each
def test_the_notebook_shows_the_solution_that_is_tested_here(chapter: Chapter) -> None:
    notebook = nbformat.read(FOLDER / chapter.file, as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert SHOWN.findall(text) == [solution_of(chapter)]
    assert sum(STUB in cell.source for cell in notebook.cells) == 1


@pytest.fixture
def nothing_stands(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(FOLDER)
    yield
    with contextlib.redirect_stdout(io.StringIO()):
        open_pipeline().teardown()


def verdict_of(source: str, names: dict[str, Any]) -> str:
    """Run a cell and return the last line that it prints."""
    code = compile(source, "cell", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        awaits = eval(code, names)
        if inspect.iscoroutine(awaits):
            asyncio.run(awaits)
    return (printed.getvalue().splitlines() or [""])[-1]


@each
@pytest.mark.usefixtures("nothing_stands")
def test_the_exercise_is_judged_by_how_far_it_is(chapter: Chapter) -> None:
    notebook = nbformat.read(FOLDER / chapter.file, as_version=4)
    names: dict[str, Any] = {"__name__": "__main__", "display": lambda *_: None}
    tried = 0
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        verdict = verdict_of(cell.source, names)
        if STUB not in cell.source:
            continue
        assert verdict == "Exercise: not tried yet."
        attempts = [
            *((code, "Exercise: not yet. ") for code in WRONG.get(chapter.number, ())),
            (solution_of(chapter), "Exercise: solved. "),
            *((code, "Exercise: not yet. ") for code in UNDONE.get(chapter.number, ())),
        ]
        for code, says in attempts:
            assert verdict_of(cell.source.replace(STUB, code), names).startswith(says), code
            tried += 1
    assert tried >= 3, "the solution, and two attempts that are none"
