import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from webhook_lab.aws.errors import LabError, explain


def test_an_aws_error_becomes_where_what_and_what_to_try() -> None:
    with pytest.raises(LabError) as raised, explain("create queue 'q'"):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "CreateQueue")
    assert raised.value.where == "create queue 'q'"
    assert raised.value.said == "AccessDenied: not you"
    assert "permission" in raised.value.try_this
    assert isinstance(raised.value.__cause__, ClientError)


def test_a_dead_cloud_says_to_run_the_first_cell_again() -> None:
    with pytest.raises(LabError, match="first cell"), explain("list queues"):
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")


def test_a_lab_error_passes_unchanged_and_prints_without_a_stack() -> None:
    error = LabError("where", "said", "try this")
    with pytest.raises(LabError) as raised, explain("elsewhere"):
        raise error
    assert raised.value is error
    assert error._render_traceback_() == ["where", "  said: said", "  try:  try this"]
