"""Whose a resource is, and how long a new role is given."""

import pytest
from botocore.exceptions import ClientError

from webhook_lab.aws.errors import Foreign, LabError
from webhook_lab.resources.ownership import (
    absent_is_none,
    existed,
    once_role_is_known,
    refuse_foreign,
)

OURS = {"webhook-lab": "lab-ana"}


def refused(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "AnyOperation")


def test_only_our_tag_with_our_value_makes_it_ours_and_more_tags_are_welcome() -> None:
    refuse_foreign("queue 'hooks'", {**OURS, "team": "payments"}, OURS)
    with pytest.raises(Foreign, match="webhook-lab=lab-ana") as raised:
        refuse_foreign("queue 'hooks'", {"Webhook-Lab": "lab-ana", "other": "x"}, OURS)
    assert raised.value.where == "create queue 'hooks'"
    assert "WEBHOOK_LAB_NAME" in raised.value.try_this


def test_only_the_codes_named_mean_that_there_is_none() -> None:
    def gone() -> str:
        raise refused("NotFound")

    assert absent_is_none(gone, "NotFound") is None
    assert not existed(gone, "NotFound")
    assert existed(dict, "NotFound")
    with pytest.raises(ClientError, match="NotFound"):
        absent_is_none(gone, "AccessDenied")


def test_a_role_that_stays_unusable_is_said_after_a_minute(pauses: list[float]) -> None:
    def create() -> str:
        raise refused("InvalidParameterValueException", "The role ... cannot be assumed by Lambda.")

    with pytest.raises(LabError, match="Lambda to be able to use the function's role"):
        once_role_is_known(create)
    assert 60 <= sum(pauses) < 62
