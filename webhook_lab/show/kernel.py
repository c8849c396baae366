"""What a live view has to know of the kernel that it runs in."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import isawaitable
from typing import Any

from IPython.core.getipython import get_ipython

from webhook_lab.show.theme import LIGHT, Theme, theme_in_jupyterlab


def running_kernel() -> Any:
    """The kernel of this notebook; None outside one."""
    return getattr(get_ipython(), "kernel", None)


def nobody_looks() -> bool:
    """Whether frames would be drawn for nobody: outside a kernel, or when the notebook runs as a test."""
    unattended = os.environ.get("WEBHOOK_LAB_HEADLESS") or os.environ.get("PYTEST_CURRENT_TEST")
    return bool(unattended) or running_kernel() is None


def theme_here() -> Theme:
    """JupyterLab's, where somebody looks; saved pictures are on light paper."""
    return LIGHT if nobody_looks() else theme_in_jupyterlab()


@contextmanager
def widgets_answered() -> Iterator[None]:
    """Inside the block, which a cell awaits, a widget may change more than once.

    A slider sends its next value only after the kernel has reported that it is idle again after the last one.
    ipykernel 7.4.0 serves such messages while a cell awaits, but then reports nothing: the second move of any
    slider would never arrive. A report too many, by a kernel that has learnt it, does no harm.
    """
    kernel = running_kernel()
    if kernel is None:
        yield
        return
    serve = kernel.shell_handlers["comm_msg"]

    async def serve_and_report(stream: Any, ident: Any, message: Any) -> None:
        try:
            served = serve(stream, ident, message)
            if isawaitable(served):
                await served
        finally:
            idle = {"execution_state": "idle"}
            kernel.session.send(kernel.iopub_socket, "status", idle, parent=message)

    kernel.shell_handlers["comm_msg"] = serve_and_report
    try:
        yield
    finally:
        kernel.shell_handlers["comm_msg"] = serve
