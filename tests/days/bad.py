"""What a real account does on bad days: refusals that pass by themselves, and some that do not."""

import itertools

from botocore.exceptions import ClientError

from tests.days.scenarios import Answer, Call, Scenario, refusal

THROTTLE_CODES = {
    "apigateway": ("TooManyRequestsException", 429),
    "lambda": ("TooManyRequestsException", 429),
    "iam": ("Throttling", 400),
    "sqs": ("RequestThrottled", 403),
}
"""How each service says "not so many at once"; the others say ThrottlingException."""


def throttled(service: str) -> ClientError:
    code, status = THROTTLE_CODES.get(service, ("ThrottlingException", 400))
    return refusal(code, "Rate exceeded", status)


class LateRole(Scenario):
    """Lambda cannot assume a role before so many seconds have gone by since it was made."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._made: dict[str, float] = {}

    def asked(self, call: Call) -> None:
        made = self._made.get(str(call.params.get("Role", "")).rpartition("/")[2])
        if call.is_a("lambda", "CreateFunction") and made and call.clock.now() < made + self._seconds:
            said = "The role defined for the function cannot be assumed by Lambda."
            raise refusal("InvalidParameterValueException", said)

    def answered(self, call: Call, answer: Answer) -> None:
        if call.is_a("iam", "CreateRole"):
            self._made[call.params["RoleName"]] = call.clock.now()


class LatePolicy(Scenario):
    """What a role may do holds, and shows, so many seconds after it was put there."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._put: dict[str, float] = {}

    def asked(self, call: Call) -> None:
        if call.is_a("iam", "GetRolePolicy") and self._young(call, call.params["RoleName"]):
            raise refusal("NoSuchEntity", "The role policy with name webhook-lab cannot be found.", 404)
        if call.is_a("lambda", "CreateEventSourceMapping") and self._young(call, call.params["FunctionName"]):
            said = "The function execution role does not have permissions to call ReceiveMessage on SQS"
            raise refusal("InvalidParameterValueException", said)

    def answered(self, call: Call, answer: Answer) -> None:
        if call.is_a("iam", "PutRolePolicy"):
            self._put[call.params["RoleName"]] = call.clock.now()

    def _young(self, call: Call, role: str) -> bool:
        return role in self._put and call.clock.now() < self._put[role] + self._seconds


class NamesStillTaken(Scenario):
    """A deleted queue's name is free again after so many seconds."""

    def __init__(self, seconds: float = 60) -> None:
        self._seconds = seconds
        self._gone: dict[str, float] = {}

    def asked(self, call: Call) -> None:
        gone = self._gone.get(call.params.get("QueueName", ""))
        if call.is_a("sqs", "CreateQueue") and gone is not None and call.clock.now() < gone + self._seconds:
            said = (
                "You must wait 60 seconds after deleting a queue before you can create another of that name."
            )
            raise refusal("AWS.SimpleQueueService.QueueDeletedRecently", said)

    def answered(self, call: Call, answer: Answer) -> None:
        if call.is_a("sqs", "DeleteQueue"):
            self._gone[call.params["QueueUrl"].rpartition("/")[2]] = call.clock.now()


class FewTurns(Scenario):
    """One such call in so many seconds, for the whole account; `others` take a turn each at the beginning.

    botocore meets the refusal below its retries, as AWS would send it.
    """

    def __init__(self, service: str, operation: str, seconds: float, *, others: int = 0) -> None:
        self._what, self._seconds = (service, operation), seconds
        self._free_at = others * seconds

    def sending(self, call: Call) -> None:
        if call.is_a(*self._what):
            if call.clock.now() < self._free_at:
                raise throttled(call.service)
            self._free_at = call.clock.now() + self._seconds


class EveryThird(Scenario):
    """Every third attempt is throttled, whatever the service."""

    def __init__(self) -> None:
        self._attempts = itertools.count(1)

    def sending(self, call: Call) -> None:
        if next(self._attempts) % 3 == 0:
            raise throttled(call.service)


class EveryFifth(EveryThird):
    """Every fifth attempt is a 500."""

    def sending(self, call: Call) -> None:
        if next(self._attempts) % 5 == 0:
            raise refusal("InternalFailure", "An internal error occurred.", 500)


class Denied(Scenario):
    """One operation, which nobody here may call."""

    def __init__(self, service: str, operation: str) -> None:
        self._what = (service, operation)

    def asked(self, call: Call) -> None:
        if call.is_a(*self._what):
            said = f"User: ana is not authorized to perform: {':'.join(self._what)}"
            raise refusal("AccessDeniedException", said, 403)
