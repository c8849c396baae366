import re
from collections.abc import Callable
from itertools import pairwise

import pytest
from botocore.exceptions import ClientError

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.retry import LONGEST_PAUSE, retry_look, retry_on, retry_until, say_what_is_awaited


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


def test_waiting_ends_with_the_first_answer_that_is_not_none(pauses: list[float]) -> None:
    assert retry_until(answers(None, None, 0), seconds=9, reason="it") == 0
    assert len(pauses) == 2


def test_waiting_says_what_for_when_the_time_is_up_and_pauses_longer_each_time(pauses: list[float]) -> None:
    with pytest.raises(LabError, match="the mapping to be gone"):
        retry_until(lambda: None, seconds=9, reason="the mapping to be gone")
    assert pauses == sorted(pauses)
    assert max(pauses) == LONGEST_PAUSE


def test_a_passing_refusal_is_tried_again_until_the_time_is_up_and_another_one_never(
    pauses: list[float],
) -> None:
    tried = answers(refusal("Throttled"), refusal("Throttled"), "done")
    assert retry_on(tried, codes=("Throttled",), seconds=9, reason="") == "done"
    assert len(pauses) == 2
    with pytest.raises(ClientError, match="AccessDenied"):
        retry_on(answers(refusal("AccessDenied")), codes=("Throttled",), seconds=9, reason="")
    assert len(pauses) == 2
    with pytest.raises(ClientError, match="Throttled"):
        retry_on(answers(*[refusal("Throttled")] * 99), codes=("Throttled",), seconds=9, reason="")
    assert sum(pauses) >= 9


def test_a_look_that_fails_is_taken_again_until_it_holds_or_the_time_is_up(pauses: list[float]) -> None:
    look = answers(AssertionError("not yet"), AssertionError("not yet"), "there")
    assert retry_look(look, seconds=9, reason="it") == "there"
    assert sum(pauses) == 2
    with pytest.raises(AssertionError, match="never"):
        retry_look(answers(*[AssertionError("never")] * 99), seconds=9, reason="it")
    with pytest.raises(AssertionError, match="once"):
        retry_look(answers(AssertionError("once")), seconds=0, reason="it")


@pytest.mark.parametrize("way", ["until", "on", "retry_look"])
def test_a_long_wait_says_what_it_waits_for_and_a_short_one_does_not(way: str, pauses: list[float]) -> None:
    said = list[str]()
    say_what_is_awaited(said.append)
    ways: dict[str, Callable[[float], object]] = {
        "until": lambda seconds: retry_until(lambda: None, seconds=seconds, reason="the queue"),
        "on": lambda seconds: retry_on(
            answers(*[refusal("Throttled")] * 99), codes=("Throttled",), seconds=seconds, reason="the queue"
        ),
        "retry_look": lambda seconds: retry_look(
            answers(*[AssertionError()] * 999), seconds=seconds, reason="the queue"
        ),
    }
    try:
        with pytest.raises((LabError, ClientError, AssertionError)):
            ways[way](29)
        assert said == []
        with pytest.raises((LabError, ClientError, AssertionError)):
            ways[way](150)
        assert len(said) == 3
        assert all("the queue" in line and "150 s at most" in line for line in said)
    finally:
        say_what_is_awaited(str)


def test_however_long_a_wait_is_it_is_never_silent_for_three_minutes(pauses: list[float]) -> None:
    said = [0]
    say_what_is_awaited(lambda line: said.append(int(re.findall(r"for (\d+) s,", str(line))[0])))
    try:
        with pytest.raises(LabError):
            retry_until(lambda: None, seconds=1_800, reason="the queue")
    finally:
        say_what_is_awaited(str)
    assert max(later - earlier for earlier, later in pairwise([*said, round(sum(pauses))])) < 180
