import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from webhook_lab.aws.errors import SHOWN, LabError, explain


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


def test_in_a_notebook_a_long_error_breaks_between_words_and_loses_none() -> None:
    link = "https://" + "a" * 120
    error = LabError("create it", f"{'a word ' * 30}\nof {link}", "run all cells above " * 9)
    lines = error._render_traceback_()
    assert [line.split() for line in lines if len(line) > SHOWN] == [[link]]
    assert " ".join(lines).split() == str(error).split()
    assert lines[0] == "create it"
    assert all(line.startswith(("  said: a", "  try:  run", "        ", "of", "https")) for line in lines[1:])
