"""One fault at one call: once, and boto3 asks again by itself; or at each attempt, and boto3 gives up."""

import contextlib
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from botocore.exceptions import ConnectionClosedError

from tests.days.scenarios import Call, Day, Scenario, refusal
from webhook_lab.aws.errors import LabError


def server_error(_: Call) -> None:
    raise refusal("InternalFailure", "An internal error occurred.", 500)


def reset_before(call: Call) -> None:
    raise ConnectionClosedError(endpoint_url=call.request.url)


def reset_after(call: Call) -> None:
    """The service does what it was asked to, and its answer never comes."""
    call.send()
    raise ConnectionClosedError(endpoint_url=call.request.url)


def denied(call: Call) -> None:
    raise refusal("AccessDeniedException", f"not authorized to perform {call.operation}", 403)


def expired(_: Call) -> None:
    raise refusal("ExpiredTokenException", "The security token included in the request is expired", 403)


@dataclass(frozen=True)
class Fault:
    """What befalls a call: at its first attempt, or at all of them; with `onward`, all later calls too."""

    name: str
    strike: Callable[[Call], None]
    lasting: bool = False
    onward: bool = False

    def __str__(self) -> str:
        return self.name


FAULTS = (
    Fault("500", server_error),
    Fault("reset before", reset_before),
    Fault("reset after", reset_after),
    Fault("500 for good", server_error, lasting=True),
    Fault("reset after for good", reset_after, lasting=True),
    Fault("denied", denied, lasting=True),
    Fault("token expired", expired, lasting=True, onward=True),
)


class Strike(Scenario):
    """The call of an operation with that number (from 1) meets the fault. Without one it only counts."""

    def __init__(self, operation: str = "", number: int = 0, fault: Fault | None = None) -> None:
        self.at, self.fault = (operation, number), fault
        self.calls: list[str] = []
        self.struck = 0

    def asked(self, call: Call) -> None:
        self.calls.append(call.operation)
        call.notes[self] = 0

    def sending(self, call: Call) -> None:
        attempts = call.notes[self]
        call.notes[self] = attempts + 1
        if self.fault is None or (attempts and not self.fault.lasting):
            return
        here = self.at == (call.operation, self.calls.count(call.operation))
        if here or (self.struck and self.fault.onward):
            self.struck += 1
            self.fault.strike(call)


class Changing(Day):
    """Installed once, and another day in each block."""

    @contextlib.contextmanager
    def being(self, part: Scenario) -> Iterator[None]:
        self.parts = (part,)
        try:
            yield
        finally:
            self.parts = ()

    def count(self, action: Callable[[], object]) -> list[str]:
        """The calls that the action makes."""
        strike = Strike()
        with self.being(strike):
            action()
        return strike.calls


def outcome(action: Callable[[], object]) -> LabError | None:
    """How it ended: well, or with one clear message; anything else is a failure, told with its stack."""
    try:
        action()
    except LabError as error:
        if not all(part.strip() for part in (error.where, error.said, error.try_this)):
            raise AssertionError(f"no clear message: {error!r}") from error
        return error
    except Exception as error:
        raise AssertionError(f"no clear message: {traceback.format_exc()}") from error
    return None
