from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.retry import LONGEST_PAUSE, retry_on, retry_until


class Clock:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Operation")


def answers(*results: object) -> Callable[[], object]:
    left = list(results)

    def answer() -> object:
        result = left.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    return answer


def test_waiting_ends_with_the_first_answer_that_is_not_none() -> None:
    clock = Clock()
    assert retry_until(answers(None, None, 0), seconds=9, reason="it", clock=clock, sleep=clock.sleep) == 0
    assert len(clock.pauses) == 2


def test_waiting_says_what_for_when_the_time_is_up_and_pauses_longer_each_time() -> None:
    clock = Clock()
    with pytest.raises(LabError, match="the mapping to be gone"):
        retry_until(lambda: None, seconds=9, reason="the mapping to be gone", clock=clock, sleep=clock.sleep)
    assert clock.pauses == sorted(clock.pauses)
    assert max(clock.pauses) == LONGEST_PAUSE


def test_a_passing_refusal_is_tried_again_and_another_one_is_raised_at_once() -> None:
    clock = Clock()
    tried = answers(refusal("Throttled"), refusal("Throttled"), "done")
    assert (
        retry_on(tried, codes=("Throttled",), seconds=9, reason="", clock=clock, sleep=clock.sleep) == "done"
    )
    with pytest.raises(ClientError):
        retry_on(
            answers(refusal("AccessDenied")), codes=("Throttled",), seconds=9, reason="", sleep=clock.sleep
        )


def test_the_last_refusal_is_raised_as_aws_said_it_when_the_time_is_up() -> None:
    clock = Clock()

    def refused() -> None:
        raise refusal("Throttled")

    with pytest.raises(ClientError, match="Throttled"):
        retry_on(refused, codes=("Throttled",), seconds=9, reason="", clock=clock, sleep=clock.sleep)
    assert clock.now >= 9
