"""What a learner's own cell raises, shown as a `LabError` without its stack, where we know what it means."""

import sys
from contextlib import suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from webhook_lab.aws.errors import LabError, explain
from webhook_lab.show.cells import RESUME, maker_of, skipped


def show_errors_plainly() -> None:
    """Do so from now on. Outside IPython this does nothing."""
    if "IPython" not in sys.modules:
        return
    from IPython.core.getipython import get_ipython

    if (shell := get_ipython()) is None:
        return

    def show(shell: Any, kind: type, error: BaseException, trace: Any, **_more: object) -> list[str] | None:
        if (told := explained(error, shell.user_ns.get("lab"))) is None:
            shell.showtraceback((kind, error, trace), running_compiled_code=True)
            return None
        lines = told._render_traceback_()
        shell._showtraceback(LabError, told, lines)
        return lines

    kinds = (ClientError, BotoCoreError, NameError, KeyError)
    shell.set_custom_exc(kinds, show)  # type: ignore[no-untyped-call]


def explained(error: BaseException, lab: Any) -> LabError | None:
    """The error in words that one can act on; None where it is one like any other.

    Args:
        lab: what the notebook calls so.
    """
    file = lab.chapter.file if lab else ""
    match error:
        case ClientError() | BotoCoreError():
            return _of_aws(error, file)
        case NameError(name=str(name)) if lab and (maker := maker_of(name, file)):
            said = f"there is no {name!r} yet: {maker} makes it"
            return LabError("run this cell", said, f"Run that cell first, or all above this one: {RESUME}.")
        case KeyError(args=("Messages",)) if lab:
            return _nothing_came(lab, file)
    return None


def _of_aws(error: Exception, file: str) -> LabError:
    try:
        with explain("call AWS from this cell"):
            raise error
    except LabError as told:
        return LabError(told.where, told.said, " ".join([skipped(file), told.try_this]).strip())


def _nothing_came(lab: Any, file: str) -> LabError:
    depths = []
    for key, words in (("queue", "the queue"), ("dlq", "the dead-letter queue")):
        with suppress(LabError):
            depth = lab.depth(key)
            depths.append(f"{words} holds {depth.visible} visible and {depth.in_flight} in flight")
    said = f"SQS gave no message: {', '.join(depths) or 'there is no queue'}"
    again = (
        "What is in flight is visible again when its visibility timeout ends. Send a message again, "
        f"or run all cells above this one, the first included: {RESUME}."
    )
    return LabError("receive a message", said, f"{skipped(file)} {again}".strip())
