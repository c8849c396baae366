"""`webhook-lab prove`: the whole course on the target, in a lab of its own, and a report of what held."""

import contextlib
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from webhook_lab.aws.errors import LabError, explain
from webhook_lab.aws.target import Target
from webhook_lab.cli.chapter import ChapterRun, Proven, promised
from webhook_lab.cli.open import FIRST_NOTEBOOK, places
from webhook_lab.cli.own_lab import keys_of, own_lab
from webhook_lab.cli.pipeline import take_down
from webhook_lab.cli.proof import Proof, markdown, summary
from webhook_lab.cli.report import Result, ended_once, reports
from webhook_lab.course.chapters import CHAPTERS, Chapter, chapter_numbered
from webhook_lab.doctor import examine
from webhook_lab.facts.fact import dollars
from webhook_lab.pipeline import Pipeline, open_pipeline

WHERE = "prove the course"
Tell = Callable[[str], None]
_COSTS = re.compile(r"less than USD ([0-9.]+)")


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask whether it may cost what it says.")
@click.option("--ceiling", type=click.FloatRange(min=0), metavar="USD", help="The most that it may cost.")
@click.option("--only", multiple=True, metavar="NN", help="This chapter only; may be given several times.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="The file to write.")
@reports
def prove(yes: bool, ceiling: float | None, only: tuple[str, ...], report: Path | None) -> Result:
    """Prove the course's promises on the target: run every chapter, remove it all, and write a report.

    It builds in a lab of its own, and asks before it costs anything. However it ends, by Ctrl-C too, it
    removes what it built and writes down how far it came. Exit code 0: each promise that could be tried held,
    and nothing is left. The report holds no secret and no account number.
    """
    report = report or Path(f"webhook-lab-proof-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.md")
    chapters = [chapter_numbered(number) for number in only] or list(CHAPTERS)
    folder = places(None, None)[0] / FIRST_NOTEBOOK.parent
    with ended_once(), own_lab():
        return proven(chapters, folder, report, ask=lambda usd: agree(usd, ceiling, yes=yes))


def proven(
    chapters: Sequence[Chapter],
    folder: Path,
    report: Path,
    *,
    ask: Callable[[float], None],
    tell: Tell = lambda said: click.echo(said, err=True),
) -> Result:
    """Examine, ask, run, clean up, write the report: what the command does in its lab.

    Args:
        folder: where the notebooks are.
        ask: called with the most that it may cost, in US dollars; raises where that is refused.
        tell: called at each turn.

    Raises:
        LabError: it cannot begin; then nothing was built, and there is no report.
        KeyboardInterrupt, SystemExit: it was interrupted; all is removed and written down by then.
    """
    if not os.access(report.absolute().parent, os.W_OK):
        raise LabError(WHERE, f"{report} cannot be written", "Name another file with --report.")
    pipeline = open_pipeline()
    target, costs = pipeline.session.target, costs_of(chapters, folder)
    proof = Proof(_about(pipeline, costs), [promised(each) for each in chapters])
    tell(f"A proof on {target.traits.label}, in a lab of its own: {pipeline.names.prefix}.")
    proof.doctor = _examined(target)
    ask(costs if target.traits.charges else 0.0)
    with _written_down(proof, report, _secrets(target)):
        try:
            _run(proof, pipeline, chapters, folder, tell)
            _clean_up(proof, pipeline, tell)
        except BaseException as error:
            proof.interrupted = str(error) if isinstance(error, Exception) else "by whoever ran it"
            _clean_up(proof, pipeline, lambda said: click.echo(said, err=True))
            raise
    return Result({**proof.facts(), "report": str(report)}, summary(proof.facts()), 0 if proof.held else 1)


def _examined(target: Target) -> list[dict[str, Any]]:
    with keys_of(target):
        doctor = examine()
    if not doctor.ok:
        raise LabError(WHERE, f"not all is well\n{doctor.text()}", "Mend that, then run this again.")
    return [vars(check) for check in doctor.checks]


@contextlib.contextmanager
def _written_down(proof: Proof, report: Path, secrets: list[str]) -> Iterator[None]:
    """However the block ends, what was found is in the file then, and without these secrets."""
    began = time.monotonic()
    try:
        yield
    finally:
        proof.seconds, proof.secrets = time.monotonic() - began, secrets
        try:
            _write(proof, report)
        except (KeyboardInterrupt, SystemExit):  # in the midst of it; `ended_once` lets no second one come
            _write(proof, report)
            raise


def _write(proof: Proof, report: Path) -> None:
    report.write_text(markdown(proof.facts()), encoding="utf-8")
    click.echo(f"{summary(proof.facts())}\nThe report: {report}", err=True)


def _run(proof: Proof, pipeline: Pipeline, chapters: Sequence[Chapter], folder: Path, tell: Tell) -> None:
    tell("Removing what an earlier proof may have left …")
    take_down(pipeline)
    proof.preflight = [vars(each) for each in pipeline.preflight()]
    for chapter, found in zip(chapters, proof.chapters, strict=True):
        tell(f"{found.number} {found.title} …")
        with keys_of(pipeline.session.target):
            ChapterRun(folder / chapter.file, found)(os.environ)
        tell(_told(found))


def _told(found: Proven) -> str:
    counts = {each.outcome: 0 for each in found.promises}
    for each in found.promises:
        counts[each.outcome] += 1
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    return f"   {told or 'nothing promised'}; {len(found.red)} red cells; {found.seconds:.0f} s"


def _clean_up(proof: Proof, pipeline: Pipeline, tell: Tell) -> None:
    """Remove all of it, and see what is left; what keeps that from being done is what is left."""
    tell("Removing it all …")
    try:
        with explain("remove what the proof built"):
            done, left = take_down(pipeline)
        proof.removed, proof.left = len(done.removed), [vars(each) for each in left]
    except LabError as error:
        said = {
            "kind": "unknown",
            "name": pipeline.names.prefix,
            "said": error.said,
            "try_this": error.try_this,
        }
        proof.left = [said]
    if proof.left:
        tell(f"Something is left. Run: webhook-lab sweep --prefix {pipeline.names.prefix} --yes")


def agree(usd: float, ceiling: float | None, *, yes: bool) -> None:
    """Whether it may cost so much.

    Raises:
        LabError: nobody agrees, or the ceiling is lower.
    """
    said = f"it may cost up to {dollars(round(usd, 2))}"
    if ceiling is not None and usd > ceiling:
        raise LabError(
            WHERE, f"{said}, and the ceiling is {dollars(ceiling)}", "Raise it, or prove less with --only."
        )
    if not usd or yes:
        return
    if not sys.stdin.isatty():
        raise LabError(WHERE, f"{said}, and nobody can be asked", "Agree with --yes.")
    if not click.confirm(f"{said[0].upper()}{said[1:]}, by the cards of its chapters. Go on?", err=True):
        raise LabError(WHERE, f"{said}, and you did not agree", "Nothing was built.")


def costs_of(chapters: Sequence[Chapter], folder: Path) -> float:
    """The most that these chapters cost, in US dollars, by what each says on its first card."""
    firsts = ((folder / each.file).read_text(encoding="utf-8")[:4_000] for each in chapters)
    return sum(float(found[1]) for first in firsts if (found := _COSTS.search(first)))


def _about(pipeline: Pipeline, costs: float) -> dict[str, Any]:
    target = pipeline.session.target
    return {
        "target": target.traits.label,
        "region": target.region,
        "lab": pipeline.names.prefix,
        "began": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "version": version("webhook-lab"),
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "ceiling": dollars(round(costs, 2)) if target.traits.charges else "costs nothing here",
    }


def _secrets(target: Target) -> list[str]:
    """What must not be in a report, though AWS or a library may have said it."""
    keys = target.session.get_credentials()
    known = keys.get_frozen_credentials() if keys else None
    return [each for each in (known and (known.access_key, known.secret_key, known.token)) or () if each]
