"""The five bad days on a real pipeline: each rings what the runbook says, and its own cure ends it."""

import pytest

from tests.cloud import checked_lab
from tests.cloud.checked_lab import Verdict, at
from webhook_lab.aws.errors import LabError
from webhook_lab.facts.runbook import BAD_DAYS, CAUSES, CURES
from webhook_lab.lab import Lab
from webhook_lab.pipeline.alarms import alarms

ledger, lab, verdict = checked_lab.ledger, checked_lab.lab, checked_lab.verdict
pytestmark = at("14")
OTHERS = {cause: CAUSES[place - 1] for place, cause in enumerate(CAUSES)}


@pytest.mark.parametrize("cause", CAUSES)
def test_a_bad_day_rings_is_judged_by_cause_and_cure_and_ends(lab: Lab, verdict: Verdict, cause: str) -> None:
    day, other = BAD_DAYS[cause], OTHERS[cause]
    lab.bad_day(cause)
    assert lab.signs.alarms == day.alarms
    assert verdict() == "Exercise: not tried yet."
    lab.diagnose(other, BAD_DAYS[other].cure)
    assert verdict().startswith(f"Exercise: not yet. It was no {other}")
    lab.diagnose(cause, BAD_DAYS[other].cure)
    assert verdict().startswith("Exercise: not yet. The cause is right")
    lab.diagnose(cause, day.cure)
    assert verdict().startswith("Exercise: solved.")
    said = repr(lab.cure())
    assert "Rings  nothing" in said
    assert lab.signs.alarms == ()
    assert "none waits" in lab.signs.chart().says[1]


def test_a_day_that_nobody_has_ended_is_over_when_another_begins(lab: Lab) -> None:
    usual = lab.pipeline.settings
    lab.bad_day("wrong secret")
    lab.bad_day("poison message")
    assert lab.signs.alarms == ("dead_letters",)
    lab.cure()
    assert lab.pipeline.settings == usual


def test_what_an_earlier_chapter_left_and_dies_today_is_no_sign_of_the_day(lab: Lab) -> None:
    lab.bad_day("wrong secret")
    seen = lab.signs
    for body in ("{}", "no envelope", '{"id": "of another day"}'):
        lab.aws.sqs.send_message(QueueUrl=lab.dlq_url, MessageBody=body)
    assert (lab.signs.dead, lab.signs.alarms) == (0, seen.alarms)
    assert "Rings  nothing" in repr(lab.cure())


def test_before_a_bad_day_there_is_nothing_to_diagnose(lab: Lab, verdict: Verdict) -> None:
    assert verdict() == "Exercise: not tried yet."
    for look in (lambda: lab.signs, lab.cure, lambda: lab.diagnose(CAUSES[0], CURES[0])):
        with pytest.raises(LabError, match="none has happened"):
            look()
    with pytest.raises(LabError, match="there is no such day"):
        lab.bad_day("monday")


def test_words_that_are_not_the_runbooks_are_said(
    lab: Lab, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook_lab.lab.lab.secrets.choice", lambda _: "wrong secret")
    drawn = repr(lab.bad_day())
    assert "401" not in drawn  # nothing of what one would have to find out
    lab.diagnose("gremlins", CURES[0])
    assert "'gremlins' is no cause of the runbook" in verdict()
    lab.diagnose("wrong secret", "reboot")
    assert "'reboot' is no cure of the runbook" in verdict()


def test_the_runbook_names_alarms_that_the_stack_has(lab: Lab) -> None:
    there = alarms(lab.names, lab.pipeline.settings).keys()
    assert {key for day in BAD_DAYS.values() for key in day.alarms} <= there
