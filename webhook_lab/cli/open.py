"""`webhook-lab open`: a private AWS and a JupyterLab that knows it, both gone when this command is.

Each is a process apart with a run folder of its own, whose keeper ends it when this command is gone.
"""

import contextlib
import http.server
import os
import secrets
import signal
import sys
import threading
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import click

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.target import resolve
from webhook_lab.cli.jupyter import jupyter_lab
from webhook_lab.cli.own_lab import heard
from webhook_lab.cli.report import in_plain_words
from webhook_lab.cli.standing import shares_the_cloud
from webhook_lab.keeper import free_port
from webhook_lab.local_cloud import private_cloud

FIRST_NOTEBOOK = Path("notebooks", "00_start_here.ipynb")
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("open")
@click.argument("notebook", required=False, type=click.Path(path_type=Path))
@click.option("--no-browser", is_flag=True, help="Print the address only.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of JupyterLab; a free one when left out.")
@click.option("--root", type=_FOLDER, help="The folder that JupyterLab shows.")
def open_lab(notebook: Path | None, no_browser: bool, port: int | None, root: Path | None) -> None:
    """Start a local AWS, and JupyterLab on NOTEBOOK (or the first one of the course).

    Ctrl-C here, or Shut Down in JupyterLab's File menu, ends both and every kernel and leaves nothing behind.
    With WEBHOOK_LAB_TARGET set, JupyterLab works against that target, and no local AWS is started.
    """
    _end_in_order_when_asked_to()
    with in_plain_words(), contextlib.suppress(KeyboardInterrupt):
        root, page = places(root, notebook)
        port = _port(port)
        click.echo("Starting …", err=True)
        with _environment() as environment, jupyter_lab(root, page, port, environment) as lab:
            click.echo(f"JupyterLab: {lab.url}")
            if not no_browser:
                _show(lab.url)
            try:
                lab.wait()
            finally:
                with contextlib.suppress(OSError):  # the terminal may be gone
                    click.echo("Ending …", err=True)


def places(root: Path | None, notebook: Path | None) -> tuple[Path, str]:
    """The folder that JupyterLab shows, and the notebook's address below it."""
    if root is None:
        folders = (Path.cwd(), Path(__file__).parents[2])
        root = next((each for each in folders if (each / FIRST_NOTEBOOK).is_file()), Path.cwd())
    root = root.resolve()
    page = (root / FIRST_NOTEBOOK if notebook is None else notebook).resolve()
    if not page.is_file():
        raise LabError(
            f"open {page}", "there is no such file", "Run this where notebooks/ is, or say --root."
        )
    if not page.is_relative_to(root):
        raise LabError(f"open {page}", f"it is not below {root}", "Say --root and a folder that holds it.")
    return root, quote(page.relative_to(root).as_posix())


def _port(asked: int | None) -> int:
    try:
        return free_port(asked or 0)
    except OSError as error:
        try_this = "Choose another one, or leave --port out: then a free one is taken."
        raise LabError(f"open JupyterLab on port {asked}", str(error.strerror), try_this) from error


@contextlib.contextmanager
def _environment() -> Iterator[dict[str, str]]:
    """What JupyterLab and its kernels see: a cloud of this process, or the target that is set."""
    if not shares_the_cloud():
        resolve()  # what is wrong with it is said here, and not first in a notebook
        yield dict(os.environ)
        return
    with private_cloud() as cloud:
        yield {**os.environ, **cloud.environment()}


def _end_in_order_when_asked_to() -> None:
    """Take the end of a terminal, and a polite request, as what Ctrl-C is."""

    def end(number: int, _: object) -> None:
        signal.signal(number, heard)  # once is enough
        sys.exit(128 + number)

    for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), end)


def _show(url: str) -> None:
    """Open the browser, on an address that leads to `url` once.

    Other users of the machine can read what a browser was started with, and must not read the token.
    """
    if sys.platform.startswith("linux") and not {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"} & os.environ.keys():
        return  # only browsers that would take over this terminal are left
    ways_in = {f"/{secrets.token_urlsafe()}": url}

    class Redirect(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if way := ways_in.pop(self.path, None):
                self.send_response(302)
                self.send_header("Location", way)
                self.end_headers()
            else:
                self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Redirect)
    here = f"http://127.0.0.1:{server.server_port}{next(iter(ways_in))}"
    for action, arguments in ((server.serve_forever, ()), (webbrowser.open, (here,))):
        threading.Thread(target=action, args=arguments, daemon=True).start()
