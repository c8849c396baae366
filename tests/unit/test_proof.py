"""What `webhook-lab prove` writes down: each promise with what became of it, and nothing that is nobody's."""

import json
import os
import re
import signal
import sys
from pathlib import Path

import boto3
import nbformat
import pytest

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.target import Target
from webhook_lab.aws.traits import AWS
from webhook_lab.cli.chapter import BROKEN, HELD, LEFT_OUT, UNREACHED, ChapterRun, Promise, Proven, promised
from webhook_lab.cli.own_lab import keys_of, own_lab
from webhook_lab.cli.proof import Proof, hide, markdown, summary
from webhook_lab.cli.prove import agree, costs_of
from webhook_lab.cli.report import ended_once
from webhook_lab.course.chapters import CHAPTERS, Chapter, chapter_numbered
from webhook_lab.facts import quotas

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
CLAIMS = ("the table stands, on demand and keyed by id", "the plain second write replaced the first")
ABOUT = {
    **dict.fromkeys(("region", "lab", "began", "version", "python", "system", "ceiling"), "x"),
    "target": "AWS",
}
ACCOUNT = "123456789012"
SECRETS = ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "IQoJb3JpZ2luX2VjEXAMPLETOKEN")
SAID = [
    f"arn:aws:sqs:eu-west-1:{ACCOUNT}:lab-webhooks",
    f"User: arn:aws:sts::{ACCOUNT}:assumed-role/Admin/ana@example.com is not authorized to perform: x",
    f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/lab-webhooks",
    "AKIAIOSFODNN7EXAMPLE signed it, or ASIAIOSFODNN7EXAMPLE",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    f"it said {SECRETS[0]} and {SECRETS[1]}",
    "PGPASSWORD=hunter2hunter2 and password: hunter2hunter2",
    f"{Path.home()}/somewhere",
    f"a newer token: {'IQoJb3JpZ2luX2Vj' * 20}",
]


def a_proof() -> Proof:
    proof = Proof(dict(ABOUT), [promised(chapter_numbered("02")), promised(chapter_numbered("03"))])
    first = proof.chapters[0]
    for promise in first.promises:
        promise.outcome = HELD
    proof.left = []
    proof.chapters[1].promises = [Promise("it is so", LEFT_OUT, "no database")]
    return proof


def test_no_report_holds_a_secret_an_account_or_whose_it_is() -> None:
    proof = a_proof()
    proof.preflight = [{"level": "warning", "rule": "r", "said": text} for text in SAID]
    proof.chapters[0].red = [{"cell": 1, "said": text} for text in SAID]
    proof.chapters[1].promises += [Promise(text, BROKEN, text) for text in SAID]
    proof.left = [{"kind": "queue", "name": text, "said": text, "try_this": text} for text in SAID]
    proof.interrupted = " ".join(SAID)
    proof.secrets = list(SECRETS)
    text = markdown(proof.facts())
    known = ["ana@example.com", "IOSFODNN7", "MfKQ9r8G", "IQoJ", "hunter2", str(Path.home())]
    known += [ACCOUNT, *SECRETS]
    assert [each for each in known if each in text] == []
    assert "lab-webhooks" in text


def test_what_is_none_of_these_stays() -> None:
    told = {
        "at": 1_795_871_694_411,
        "text": "1795871694411 ms, 1,048,576 bytes, not token by token",
        "n": [1, None],
    }
    assert hide(told) == told


@pytest.mark.parametrize(
    ("spoil", "held"),
    [
        (lambda proof: None, True),
        (lambda proof: proof.left.append({"kind": "queue", "name": "q", "said": "s"}), False),
        (lambda proof: setattr(proof, "left", None), False),
        (lambda proof: setattr(proof, "interrupted", "by whoever ran it"), False),
        (lambda proof: proof.chapters[0].red.append({"cell": 3, "said": "NameError"}), False),
        (lambda proof: setattr(proof.chapters[0].promises[0], "outcome", BROKEN), False),
        (lambda proof: setattr(proof.chapters[0].promises[0], "outcome", UNREACHED), False),
    ],
)
def test_it_is_proven_only_when_all_that_could_be_tried_held_and_nothing_is_left(spoil, held) -> None:
    proof = a_proof()
    spoil(proof)
    facts = proof.facts()
    assert facts["held"] is held
    assert ("every promise that could be tried held" in markdown(facts)) is held
    assert ("NOT PROVEN" in markdown(facts)) is not held


def test_the_report_ends_in_its_own_facts() -> None:
    facts = a_proof().facts()
    text = markdown(facts)
    assert json.loads(text.rpartition("```json\n")[2].partition("\n```")[0]) == facts
    assert f"| {CLAIMS[0]} | held | 0.0 |  |" in text
    assert summary(facts).startswith("Promises: 4 held, 0 not held, 1 left out, 0 not reached.")


def judged(source: str, *, printed: str = "", error: str = "", index: int = 1) -> Proven:
    """Chapter 02 after one cell."""
    found = promised(chapter_numbered("02"))
    run = ChapterRun(NOTEBOOKS / chapter_numbered("02").file, found)
    cell = nbformat.v4.new_code_cell(source)
    if printed:
        cell.outputs.append(nbformat.v4.new_output("stream", name="stdout", text=printed))
    if error:
        cell.outputs.append(nbformat.v4.new_output("error", ename="LabError", evalue=error, traceback=[]))
    run._end(cell, index, None)
    return found


@pytest.mark.parametrize(
    ("printed", "error", "outcome", "said"),
    [
        (f"Checkpoint: {CLAIMS[0]}.\n", "", HELD, ""),
        ("Checkpoint left out: no metrics here.\n", "", LEFT_OUT, "no metrics here."),
        ("", "it is keyed by path", BROKEN, "LabError: it is keyed by path"),
        ("", "", BROKEN, "its cell said nothing of it"),
    ],
)
def test_a_promise_is_judged_by_what_its_checkpoint_said(printed, error, outcome, said) -> None:
    found = judged(f'lab.checkpoint("{CLAIMS[0]}")', printed=printed, error=error)
    assert (found.promises[0].outcome, found.promises[0].said) == (outcome, said)
    assert {each.outcome for each in found.promises[1:]} == {UNREACHED}
    assert [each["cell"] for each in found.red] == ([2] if error else [])
    assert not found.ok


def test_a_promise_below_one_that_was_not_held_was_not_reached() -> None:
    source = "\n".join(f'lab.checkpoint("{claim}")' for claim in CLAIMS)
    found = judged(source, error=f"checkpoint '{CLAIMS[0]}'\n  said: it is keyed by path")
    assert [each.outcome for each in found.promises[:2]] == [BROKEN, UNREACHED]


def test_a_chapter_that_is_left_out_says_why_for_each_of_its_promises() -> None:
    why = "Chapter 13 is left out: functions there cannot reach this machine"
    found = judged('lab = Lab.open(chapter="13")', printed=f"{why}\n", index=0)
    assert {(each.outcome, each.said) for each in found.promises} == {(LEFT_OUT, why)}
    assert found.ok


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.number)
def test_every_promise_is_found_in_the_notebook_as_it_is_stored(chapter: Chapter) -> None:
    """Else a report would say that it was not reached."""
    found = promised(chapter)
    run = ChapterRun(NOTEBOOKS / chapter.file, found)
    for index, cell in enumerate(run._nb.cells[:-1]):
        run._end(cell, index, None)
    assert [each.claim for each in found.promises if each.outcome not in (HELD, LEFT_OUT)] == []
    assert found.ok


def test_what_it_may_cost_is_the_sum_of_what_the_chapters_cards_say() -> None:
    costs = costs_of(CHAPTERS, NOTEBOOKS)
    free = {"00", "01", "13"}
    assert costs == pytest.approx(0.01 * (len(CHAPTERS) - len(free)))
    assert costs_of([chapter_numbered(number) for number in sorted(free)], NOTEBOOKS) == 0


@pytest.mark.parametrize(
    ("usd", "ceiling", "yes", "answer", "refused"),
    [
        (0.0, None, False, None, None),
        (0.0, 0.0, False, None, None),
        (0.13, None, True, None, None),
        (0.13, 1.0, True, None, None),
        (0.13, 0.05, True, None, "the ceiling is USD 0.05"),
        (0.13, 0.05, False, "y", "the ceiling is USD 0.05"),
        (0.13, None, False, None, "nobody can be asked"),
        (0.13, 1.0, False, None, "nobody can be asked"),
        (0.13, None, False, "n", "you did not agree"),
        (0.13, None, False, "y", None),
    ],
)
def test_it_asks_before_it_costs_anything(usd, ceiling, yes, answer, refused, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: answer is not None, raising=False)
    monkeypatch.setattr("click.confirm", lambda text, **_: "USD 0.13" in text and answer == "y")
    if refused is None:
        agree(usd, ceiling, yes=yes)
        return
    with pytest.raises(LabError) as told:
        agree(usd, ceiling, yes=yes)
    assert refused in told.value.said
    assert "USD 0.13" in told.value.said


def test_its_lab_is_none_of_the_learners(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_LAB_TARGET", "http://127.0.0.1:9")
    monkeypatch.setenv("WEBHOOK_LAB_NAME", "lab-ana")
    with own_lab():
        assert os.environ["WEBHOOK_LAB_NAME"] == "lab-ana-prove"
    assert os.environ["WEBHOOK_LAB_NAME"] == "lab-ana"
    assert len("webhook-lab-prove-subscribe") < quotas.LAMBDA_FUNCTION_NAME_CHARACTERS.value


def test_who_signed_in_once_is_signed_in_for_every_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would ask for an MFA code else, and none can be typed there."""
    signed_in = boto3.Session("AKIAIOSFODNN7EXAMPLE", SECRETS[0], SECRETS[1], region_name="eu-west-1")
    there = Target("aws", None, "eu-west-1", ACCOUNT, None, None, "i", AWS, signed_in=signed_in)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    with keys_of(there):
        kernel = boto3.Session().get_credentials().get_frozen_credentials()
        assert (kernel.access_key, kernel.secret_key, kernel.token) == ("AKIAIOSFODNN7EXAMPLE", *SECRETS)
        assert os.environ["AWS_REGION"] == "eu-west-1"
    assert os.environ["AWS_ACCESS_KEY_ID"] == "another"
    assert "AWS_SESSION_TOKEN" not in os.environ


def test_what_the_readme_names_as_a_proof_is_there() -> None:
    section = (NOTEBOOKS.parent / "README.md").read_text(encoding="utf-8").partition("## What is proven")[2]
    named = re.findall(r"`((?:tests|webhook_lab|local_cloud)/[\w./]+)`", section.partition("\n## ")[0])
    assert len(named) > 5
    rooms = (NOTEBOOKS.parent, NOTEBOOKS.parent / "webhook_lab")
    assert [each for each in named if not any((room / each).exists() for room in rooms)] == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows holds no signals back")
@pytest.mark.parametrize("first", ["SIGINT", "SIGHUP"])
def test_of_two_signals_at_one_moment_one_ends_it_and_the_other_is_no_stack(first, monkeypatch) -> None:
    complained = []
    monkeypatch.setattr(sys, "unraisablehook", complained.append)
    with pytest.raises((KeyboardInterrupt, SystemExit)), ended_once():
        at_one_moment({getattr(signal, first), signal.SIGTERM})
    assert complained == []


def at_one_moment(numbers) -> None:
    """These signals reach Python together, whichever was sent first."""
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    for each in numbers:
        signal.raise_signal(each)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
