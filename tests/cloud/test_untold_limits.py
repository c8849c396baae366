"""Every command works for who may not ask what the account's limits are, and most have no need to ask."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from click.testing import CliRunner

from webhook_lab.aws import target
from webhook_lab.cli import main
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline import Settings, open_pipeline

ASKS = "GetAccountSettings"


@pytest.fixture(scope="module")
def asked(cloud: Cloud) -> Iterator[list[str]]:
    """Every call to AWS, on a target that has limits, where nobody may ask for them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEBHOOK_LAB_NAME", "lab-untold")
        patch.setattr(target, "LOCAL_CLOUD", replace(target.LOCAL_CLOUD, limits_account_concurrency=True))
        calls, call = list[str](), BaseClient._make_api_call

        def refusing(client: BaseClient, operation: str, params: Any) -> Any:
            calls.append(operation)
            if operation == ASKS:
                error = {"Code": "AccessDeniedException", "Message": "not authorized"}
                raise ClientError({"Error": error}, operation)  # type: ignore[arg-type]
            return call(client, operation, params)

        patch.setattr(BaseClient, "_make_api_call", refusing)
        yield calls
        CliRunner().invoke(main, ["down"])


@pytest.mark.parametrize(
    ("command", "asks"),
    [
        (("doctor",), True),
        (("up",), True),
        (("status",), False),
        (("sweep",), False),
        (("catch-up", "06"), True),
        (("redrive",), False),
        (("down",), False),
        (("sweep", "--yes"), False),
    ],
)
def test_no_command_fails_because_nobody_tells_the_limits(
    asked: list[str], command: tuple[str, ...], asks: bool
) -> None:
    if command == ("status",):
        CliRunner().invoke(main, ["up"])  # so that each can be tried alone
    asked.clear()
    result = CliRunner().invoke(main, [*command, "--json"])
    assert "error" not in json.loads(result.stdout)
    assert result.exit_code == 0, result.output
    assert (ASKS in asked) is asks


def test_what_is_unknown_counts_as_unlimited(asked: list[str]) -> None:
    assert open_pipeline().settings == Settings()
