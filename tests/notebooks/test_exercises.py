"""Each chapter's exercise: not tried as the notebook stands, not yet when half done, solved by its solution.

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

HALF_DONE = {
    "00": """
lab.aws.dynamodb.create_table(
    TableName=lab.names.table,
    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    BillingMode="PROVISIONED",
    ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    Tags=[{"Key": key, "Value": value} for key, value in lab.names.tags.items()],
)
""",
    "01": """
await db.burst(consumers=9, connections_each=2, webhooks=50)
""",
    "02": """
once = {"id": {"S": lab.delivery_id("order-3")}, "body": {"S": "first copy"}}
lab.aws.dynamodb.put_item(TableName=lab.names.table, Item=once | {"delivered_by": {"SS": ["message-1"]}})
""",
    "04": """
lab.invoke("publish", {**event, "path": "/orders/8", "headers": {}})
""",
    "05": """
lab.set_reserved_concurrency(5)
""",
    "06": """
lab.send("/signed/orders", order, headers={"webhook-id": lab.delivery_id("by-hand")})
""",
    "07": """
lab.create_function("subscribe", zip_bytes=broken)
for _ in range(2):
    lab.wait_for(lab.send("/orders", order, headers={"webhook-id": lab.delivery_id("half")}))
""",
    "08": """
lab.set_throttle(4)
""",
    "09": """
lab.configure(function_timeout=30)
lab.create_function("subscribe")
""",
