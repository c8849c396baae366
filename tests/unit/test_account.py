"""What the account does not let us know counts as unlimited; what else goes wrong is said."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from webhook_lab.resources.account import Limits, account_limits, unreserved_allows


def account(answer: dict[str, int] | str) -> Any:
    """A session of an account with these limits, or one that answers with an error of this code."""

    def get_account_settings() -> dict[str, Any]:
        if isinstance(answer, str):
            raise ClientError({"Error": {"Code": answer, "Message": ""}}, "GetAccountSettings")
        return {"AccountLimit": answer}

    return SimpleNamespace(lambda_=SimpleNamespace(get_account_settings=get_account_settings))


REFUSED = ("AccessDenied", "AccessDeniedException", "404", "UnknownOperationException")


@pytest.mark.parametrize("code", REFUSED)
def test_what_nobody_tells_counts_as_unlimited(code: str) -> None:
    assert account_limits(account(code)) is None
    assert unreserved_allows(account(code), 10_000)


@pytest.mark.parametrize("code", ["ExpiredTokenException", "TooManyRequestsException", "ServiceException"])
def test_what_has_gone_wrong_is_no_limit_and_no_freedom(code: str) -> None:
    with pytest.raises(ClientError, match=code):
        account_limits(account(code))


def test_what_is_told_is_taken() -> None:
    told = account({"ConcurrentExecutions": 1_000, "UnreservedConcurrentExecutions": 101})
    assert account_limits(told) == Limits(1_000, 101)
    assert unreserved_allows(told, 1)
    assert not unreserved_allows(told, 2)
    assert unreserved_allows(told, 2, held=1)
