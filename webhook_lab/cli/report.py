"""What all commands have in common: --json, errors in plain words, exit codes, progress.

Exit codes: 0 when what was asked is so, 1 when it is not, 2 for a wrong command line, 130 after Ctrl-C.
"""

import contextlib
import functools
import json
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import click
from tqdm import tqdm

from webhook_lab.aws.errors import LabError, explain
from webhook_lab.local_cloud import CloudError

STOPPED = 130
"""The exit code after Ctrl-C, as shells have it."""
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
_BAR = "{desc}: {bar:20} {n_fmt}/{total_fmt} {elapsed}{postfix}"


@dataclass(frozen=True)
class Result:
    """What a command found or did: facts for --json, text for people, and its exit code."""

    facts: dict[str, Any]
    text: str
    code: int = 0


def reports(command: Callable[..., Result]) -> Callable[..., None]:
    """Give a command the option --json, and print its result; what else is printed goes to stderr."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
    @functools.wraps(command)
    def run(as_json: bool, **options: Any) -> None:
        try:
            with contextlib.redirect_stdout(sys.stderr), in_plain_words():
                result = command(**options)
        except LabError as error:
            if as_json:
                said = {"where": error.where, "said": error.said, "try": error.try_this}
                click.echo(json.dumps({"error": said}))
            raise
        click.echo(json.dumps(result.facts, default=_plain) if as_json else result.text)
        sys.exit(result.code)

    return run


@contextlib.contextmanager
def in_plain_words() -> Iterator[None]:
    """Turn what AWS, the local cloud or the operating system refuses into a LabError."""
    where = click.get_current_context().command_path
    try:
        with explain(where):
            yield
    except CloudError as error:
        raise LabError(where, error.said, error.try_this) from error
    except OSError as error:
        raise LabError(where, str(error), "Run `webhook-lab doctor`, then run this again.") from error


def _heard(_: int, __: object) -> None:
    """Do nothing. Of a signal that is ignored while it is on its way Python complains with a stack."""


@contextlib.contextmanager
def ended_once() -> Iterator[None]:
    """Take the first signal that asks for an end as Ctrl-C, and no further one: it is cleaning up by then."""

    def end(number: int, _: object) -> None:
        for each in known:
            signal.signal(each, _heard)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    known = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    before = {each: signal.signal(each, end) for each in known}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


class Commands(click.Group):
    """Commands whose errors are a few lines on standard error, and never a stack."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LabError as error:
            click.echo(str(error), err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("\nStopped.", err=True)
            ctx.exit(STOPPED)


@contextlib.contextmanager
def progress(total: int, doing: str) -> Iterator[Callable[..., None]]:
    """A bar on standard error, if that is a terminal: call it with the name of each step that is taken.

    Where several may have been taken at once, say `done` too: how many are by now.
    """
    with tqdm(total=total, desc=doing, disable=None, leave=False, bar_format=_BAR) as bar:

        def next_step(name: str, *, done: int | None = None) -> None:
            bar.update(1 if done is None else done - bar.n)
            bar.set_postfix_str(name.replace("_", " "))  # drawn now: the step may take long

        yield next_step


def _plain(value: object) -> Any:
    """What JSON has no word for: a set becomes a list, anything else its text."""
    return sorted(value) if isinstance(value, set | frozenset) else str(value)
