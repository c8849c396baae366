"""The failure that a chapter announces: it has to occur, and to be that one."""

import pytest
from botocore.exceptions import ClientError

from webhook_lab.aws.errors import LabError, PreflightRefused, explain
from webhook_lab.show.expected import expected_error


def client_error(code="AccessDenied", message="no"):
    return ClientError({"Error": {"Code": code, "Message": message}}, "SendMessage")


def test_the_error_that_was_announced_is_shown_and_passes(capsys):
    with expected_error("ConditionalCheckFailedException"):
        raise client_error("ConditionalCheckFailedException", "The conditional request failed")
    assert capsys.readouterr().out == (
        "Failed, as it should: ConditionalCheckFailedException\n"
        "  Said  An error occurred (ConditionalCheckFailedException) when calling the SendMessage operation: "
        "The conditional request failed\n"
    )


def test_a_failure_that_no_longer_happens_fails():
    with (
        pytest.raises(AssertionError, match="has to fail with AccessDenied, and did not fail"),
        expected_error("AccessDenied"),
    ):
        pass


def test_another_error_than_the_one_announced_fails_and_keeps_its_cause():
    with pytest.raises(AssertionError, match="failed otherwise") as raised, expected_error("AccessDenied"):
        raise client_error("ThrottlingException")
    assert isinstance(raised.value.__cause__, ClientError)


def test_what_a_function_raised_is_known_by_the_words_it_said(capsys):
    said = "An error occurred (AccessDenied) when calling the SendMessage operation: no"
    with expected_error("AccessDenied"):
        raise LabError("invoke function 'lab-publish'", said, "Read its log.")
    assert capsys.readouterr().out == (
        "Failed, as it should: AccessDenied\n"
        "  Where  invoke function 'lab-publish'\n"
        f"  Said   {said}\n"
        "  Try    Read its log.\n"
    )


def test_a_code_is_not_found_inside_a_longer_one_and_any_of_several_will_do(capsys):
    with pytest.raises(AssertionError, match="failed otherwise"), expected_error("AccessDenied"):
        raise LabError("x", "AccessDeniedException: no", "y")
    with expected_error("AccessDenied", "AccessDeniedException"):
        raise client_error("AccessDeniedException")
    assert capsys.readouterr().out.startswith("Failed, as it should: AccessDenied\n")


def test_an_error_is_known_by_its_class_and_by_what_it_explains():
    with expected_error("PreflightRefused"):
        raise PreflightRefused("preflight", "no", "yes")
    with expected_error("ZeroDivisionError"):
        _ = 1 / 0
    with expected_error("AccessDenied"), explain("send"):
        raise client_error()


def test_an_interrupt_is_never_the_demonstration():
    with pytest.raises(KeyboardInterrupt), expected_error("KeyboardInterrupt"):
        raise KeyboardInterrupt


def test_what_differs_between_runs_is_shown_as_tokens(capsys):
    with expected_error("AccessDenied"):
        raise client_error(
            message="User: arn:aws:sts::123456789012:assumed-role/lab-publish/lab-publish on resource: "
            "arn:aws:sqs:eu-central-1:123456789012:lab-webhooks at http://127.0.0.1:40123/x "
            "(request id: 7d5b2a84-6f0c-4b6e-9d53-1c2f8a9e0b77)"
        )
    shown = capsys.readouterr().out
    assert "arn:aws:sqs:<region>:<account>:lab-webhooks at <address>/x <request id>" in shown
    assert "123456789012" not in shown
