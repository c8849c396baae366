"""Whose a resource is, and how long a new role is given."""

import pytest
from botocore.exceptions import ClientError

from webhook_lab.aws.errors import Foreign, LabError
from webhook_lab.resources.ownership import (
    absent_is_none,
    existed,
    is_ours,
    once_role_is_known,
    refuse_foreign,
)

OURS = {"webhook-lab": "lab-ana"}


def refused(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "AnyOperation")


@pytest.mark.parametrize(
    "found", [{}, {"webhook-lab": "lab-ben"}, {"Webhook-Lab": "lab-ana"}, {"other": "x"}]
)
def test_without_our_tag_and_value_it_is_foreign(found: dict[str, str]) -> None:
    assert not is_ours(found, OURS)
    with pytest.raises(Foreign) as raised:
        refuse_foreign("queue 'hooks'", found, OURS)
    assert raised.value.where == "create queue 'hooks'"
    assert "webhook-lab=lab-ana" in raised.value.said
    assert "WEBHOOK_LAB_NAME" in raised.value.try_this


def test_more_tags_than_ours_are_welcome() -> None:
    refuse_foreign("queue 'hooks'", {**OURS, "team": "payments"}, OURS)


def test_when_nobody_asks_everything_counts() -> None:
    assert is_ours({}, None)


def test_only_the_codes_named_mean_that_there_is_none() -> None:
    def gone() -> str:
        raise refused("NotFound")

    assert absent_is_none(gone, "NotFound") is None
    assert not existed(gone, "NotFound")
    assert existed(dict, "NotFound")
    with pytest.raises(ClientError, match="NotFound"):
        absent_is_none(gone, "AccessDenied")


@pytest.mark.parametrize(
    "message",
    [
        "The role defined for the function cannot be assumed by Lambda.",
        "The provided execution role does not have permissions to call ReceiveMessage on SQS",
        "Lambda was unable to configure access to your variables: the KMS key is invalid for CreateGrant.",
    ],
)
def test_a_new_role_is_given_time(pauses: list[float], message: str) -> None:
    answers = iter([refused("InvalidParameterValueException", message)] * 3)

    def create() -> str:
        for error in answers:
            raise error
        return "created"

    assert once_role_is_known(create) == "created"
    assert len(pauses) == 3


def test_a_role_that_stays_unusable_is_said_after_a_minute(pauses: list[float]) -> None:
    def create() -> str:
        raise refused("InvalidParameterValueException", "The role ... cannot be assumed by Lambda.")

    with pytest.raises(LabError, match="Lambda to be able to use the function's role"):
        once_role_is_known(create)
    assert 60 <= sum(pauses) < 62


def test_another_invalid_value_is_not_waited_for(pauses: list[float]) -> None:
    def create() -> str:
        raise refused(
            "InvalidParameterValueException", "The runtime parameter of python2.7 is not supported."
        )

    with pytest.raises(ClientError, match="is not supported"):
        once_role_is_known(create)
    assert pauses == []
