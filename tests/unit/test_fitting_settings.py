"""Settings that fit: an account that can reserve nothing gets a pipeline that reserves nothing."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from webhook_lab.aws.errors import LabError
from webhook_lab.pipeline.naming import Names
from webhook_lab.pipeline.open import fitting
from webhook_lab.pipeline.settings import Settings
from webhook_lab.pipeline.steps import step_of

NAMES = Names("lab-ana")


def session(*, unreserved: int, held: int | None = None, limited: bool = True) -> Any:
    """A session of an account with so many unreserved; `held`: what the function has, None: no function."""

    def get_function(FunctionName: str) -> dict[str, Any]:
        if held is None:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetFunction")
        configuration = {
            "FunctionArn": "", "Runtime": "", "Timeout": 30, "MemorySize": 128, "CodeSha256": "", "Role": "",
        }  # fmt: skip
        concurrency = {"ReservedConcurrentExecutions": held}
        return {"Configuration": configuration, "Concurrency": concurrency, "Tags": NAMES.tags}

    def get_account_settings() -> dict[str, Any]:
        limit = {"ConcurrentExecutions": 1_000, "UnreservedConcurrentExecutions": unreserved}
        return {"AccountLimit": limit}

    lambda_ = SimpleNamespace(get_function=get_function, get_account_settings=get_account_settings)
    target = SimpleNamespace(traits=SimpleNamespace(limits_account_concurrency=limited))
    return SimpleNamespace(target=target, lambda_=lambda_)


@pytest.mark.parametrize(
    ("unreserved", "held", "reserved"),
    [(1_000, None, 2), (102, None, 2), (101, None, None), (10, None, None), (100, 2, 2), (99, 2, None)],
)
def test_the_reservation_stays_where_a_hundred_executions_do(
    unreserved: int, held: int | None, reserved: int | None
) -> None:
    settings = fitting(Settings(), session(unreserved=unreserved, held=held), NAMES)
    assert settings == Settings(reserved_concurrency=reserved)


def test_where_no_account_limits_it_nothing_is_asked() -> None:
    assert fitting(Settings(), session(unreserved=0, limited=False), NAMES) == Settings()


@pytest.mark.parametrize("seconds", ["2", -1, float("nan"), None])
def test_no_time_to_work_is_taken_that_is_none(seconds: Any) -> None:
    with pytest.raises(LabError, match="work_seconds is"):
        Settings(work_seconds=seconds)


def test_a_step_that_is_mistyped_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(LabError, match=", publish_function, "):
        step_of("publsh_function")
