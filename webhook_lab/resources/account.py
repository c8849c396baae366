"""How many functions the account may run at once, as far as it lets us know.

Calls: GetAccountSettings of Lambda. Not every learner may make it, and not every endpoint knows it (moto
answers 404): what is unknown counts as unlimited, and Lambda itself refuses a reservation that is too large.
"""

from typing import NamedTuple

from botocore.exceptions import ClientError

from webhook_lab.aws.errors import code_of
from webhook_lab.aws.session import Session
from webhook_lab.facts import quotas

_UNTOLD = ("AccessDenied", "AccessDeniedException", "404", "501", "UnknownOperationException")


class Limits(NamedTuple):
    """Concurrent executions: all that the account may have, and what no function has reserved of them."""

    concurrent: int
    unreserved: int


def account_limits(aws: Session) -> Limits | None:
    """The account's limits; None where nobody tells us.

    Raises:
        ClientError: AWS refused for another reason, such as a token that has expired.
    """
    try:
        told = aws.lambda_.get_account_settings()["AccountLimit"]
    except ClientError as error:
        if code_of(error) not in _UNTOLD:
            raise
        return None
    return Limits(told["ConcurrentExecutions"], told["UnreservedConcurrentExecutions"])


def unreserved_allows(aws: Session, reserved: int, *, held: int = 0) -> bool:
    """Whether the account can reserve that many and still leave as many unreserved as Lambda insists on.

    Args:
        held: what the same function has reserved already.
    """
    limits, least = account_limits(aws), quotas.LAMBDA_UNRESERVED_CONCURRENCY.value
    return limits is None or limits.unreserved + held - reserved >= least
