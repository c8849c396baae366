"""Each connection is an open file: how many of those this process may have."""

import os

import psutil

from webhook_lab.aws.errors import LabError

SPARE = 64
"""For libraries, logs, and what else is opened meanwhile."""


def allow_open_files(more: int) -> None:
    """Raise the limit so that this process, and what it starts, may open `more` files.

    Raises:
        LabError: the system does not let it.
    """
    if os.name == "nt":  # sockets have no such limit there
        return
    import resource

    needed = psutil.Process().num_fds() + more + SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY not in (soft, hard) and hard < needed:
        said = f"this process may open {hard} files in all, and needs {needed}"
        fix = f"Use fewer senders, or start JupyterLab from a shell after: ulimit -n {needed}"
        raise LabError(f"open {more} connections at once", said, fix)
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
