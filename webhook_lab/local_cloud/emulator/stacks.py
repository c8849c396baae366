"""What CloudFormation makes of a stack's resources, and what it may not delete."""

from collections.abc import Callable
from typing import Any

from ministack.services import dynamodb, lambda_svc
from ministack.services.cloudformation import provisioners

Finish = Callable[[str, dict[str, Any]], None]
_TABLE = "AWS::DynamoDB::Table"


def stacks_set_everything() -> None:
    """A stack's function has its reservation, a mapping its tags, a table its time to live.

    AWS: all are properties of the template's resources, and hold.
    Emulator: its CloudFormation drops these without a word.
    Shown by: test_the_stack_is_the_pipeline_setting_by_setting
    Upstream: a fix retires this.
    """
    finishes = {
        "AWS::Lambda::Function": _reserve,
        "AWS::Lambda::EventSourceMapping": _tag,
        _TABLE: _expire,
    }
    for kind, finish in finishes.items():
        handlers = provisioners._RESOURCE_HANDLERS[kind]
        handlers["create"] = _then(handlers["create"], finish, properties=1)
        handlers["update"] = _then(handlers["update"], finish, properties=2)


def stacks_keep_protected_tables() -> None:
    """A table under deletion protection stays, and its stack's deletion fails with the table's name.

    AWS: DeleteTable is refused, so the stack becomes DELETE_FAILED.
    Emulator: its CloudFormation takes the table all the same.
    Shown by: test_a_protected_table_outlives_its_stack
    Upstream: a fix retires this.
    """
    handlers = provisioners._RESOURCE_HANDLERS[_TABLE]
    delete = handlers["delete"]

    def delete_unless_protected(name: str, properties: dict[str, Any]) -> None:
        if dynamodb._tables.get(name, {}).get("DeletionProtectionEnabled"):
            raise ValueError("Table is protected against deletion. Disable deletion protection first.")
        delete(name, properties)

    handlers["delete"] = delete_unless_protected


def _then(action: Callable[..., Any], finish: Finish, properties: int) -> Callable[..., Any]:
    def both(*asked: Any, **named: Any) -> Any:
        done = action(*asked, **named)
        finish(done[0], asked[properties])
        return done

    return both


def _reserve(name: str, properties: dict[str, Any]) -> None:
    reserved = properties.get("ReservedConcurrentExecutions")
    lambda_svc._functions[name]["concurrency"] = None if reserved is None else int(reserved)


def _tag(uuid: str, properties: dict[str, Any]) -> None:
    pairs = properties.get("Tags") or []
    lambda_svc._esms[uuid]["Tags"] = {pair["Key"]: pair["Value"] for pair in pairs}


def _expire(name: str, properties: dict[str, Any]) -> None:
    if wanted := properties.get("TimeToLiveSpecification"):
        dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": wanted})
