"""Write down every AWS call that the library and the notebooks make: `python -m tools.learner_policy`.

`webhook-lab policy` makes a learner's IAM policy from it. It is read off the boto3 calls in the code, since
no run makes those that only answer a failure.
"""

import ast
import contextlib
import json
from collections.abc import Iterator
from functools import cache

import botocore.session
import nbformat
from botocore.exceptions import DataNotFoundError, UnknownServiceError
from IPython.core.inputtransformer2 import TransformerManager

from tools.refresh import NOTEBOOKS
from webhook_lab.pipeline.learner import CALLS

CLIENTS = {
    "sqs": "sqs", "lambda": "lambda", "dynamodb": "dynamodb", "iam": "iam", "apigateway": "apigateway",
    "logs": "logs", "cloudwatch": "cloudwatch", "tagging": "resourcegroupstaggingapi", "sts": "sts",
    "s3": "s3", "cloudformation": "cloudformation",
}  # fmt: skip
"""What a client is called in code, and its service in boto3."""


def calls_in(source: str) -> Iterator[tuple[str, str]]:
    """Service and operation of each boto3 call in the source, paginators and waiters too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and (service := _service(node.value)):
            yield from operations(service, node.attr)
        if isinstance(node, ast.Call):
            words = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            owner = node.func.value if isinstance(node.func, ast.Attribute) else None
            for service in filter(None, map(_service, [owner, *node.args])):  # get_paginator, pages, wait
                for word in words:
                    yield from operations(service, str(word))


def _service(node: ast.AST | None) -> str | None:
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return CLIENTS.get(name.strip("_"))  # self._logs, lambda_


@cache
def operations(service: str, wanted: str) -> tuple[tuple[str, str], ...]:
    """What the service calls an operation, or what a waiter asks, by boto3's name of it."""
    return tuple(_operation(service, wanted))


def _operation(service: str, wanted: str) -> Iterator[tuple[str, str]]:
    core = botocore.session.get_session()
    for operation in core.get_service_model(service).operation_names:
        if botocore.xform_name(operation) == wanted:
            yield service, operation
    with contextlib.suppress(UnknownServiceError, DataNotFoundError):  # a service without waiters
        waits = core.get_waiter_model(service)
        for waiter in waits.waiter_names:
            if botocore.xform_name(waiter) == wanted:
                yield service, waits.get_waiter(waiter).operation


def sources() -> Iterator[str]:
    """The code of the library that speaks to AWS, and of the notebooks."""
    library = NOTEBOOKS.parent / "webhook_lab"
    for path in sorted(library.rglob("*.py")):
        if not {"local_cloud", "database"} & set(path.relative_to(library).parts):
            yield path.read_text(encoding="utf-8")
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                yield TransformerManager().transform_cell(cell.source)


def calls() -> dict[str, list[str]]:
    """Every operation that the lab asks for, by service."""
    found = {call for source in sources() for call in calls_in(source)}
    return {
        service: sorted(operation for each, operation in found if each == service)
        for service in sorted({service for service, _ in found})
    }


if __name__ == "__main__":
    CALLS.write_text(json.dumps(calls(), indent=1) + "\n", encoding="utf-8")
    print(f"{CALLS.name}: {sum(map(len, calls().values()))} operations")
