"""Lets a class on a network reach one path of one API on this machine, and nothing else of it.

The local cloud answers this machine alone (`webhook_lab.local_cloud.guard`), and stays so: this listens on
the one address that was asked for, takes POSTs of signed reports to `PATH` up to `LARGEST`, and passes their
body and four headers on. Whether a signature holds is the publish function's to say. It is plain HTTP.
"""

import http.server
import ipaddress
import threading
from http import HTTPStatus
from typing import Any

from webhook_lab.aws.errors import LabError
from webhook_lab.course.classroom import PATH
from webhook_lab.send.sender import Delivery, post

PORT = 8788
"""Where it listens unless told otherwise: the same every time, for who has to open it in a firewall."""
LARGEST = 4_096
"""Bytes of a body; a report has some 400."""
AT_ONCE = 64
"""Connections; thirty learners have one each."""
IDLE_SECONDS = 10.0
PASSED_ON = ("content-type", "webhook-id", "webhook-timestamp", "webhook-signature")


class Forwarder(http.server.ThreadingHTTPServer):
    """`serve_forever` it; `shutdown` ends it.

    Args:
        listen: an IPv4 address of this machine, with a port behind a colon or without.
        url: the API's address that PATH below it is passed on to.

    Raises:
        LabError: that is no address that it should listen on.
        OSError: it cannot be listened on.
    """

    daemon_threads = True
    passed_on = refused = 0

    def __init__(self, listen: str, url: str) -> None:
        self.to, self._free = url, threading.BoundedSemaphore(AT_ONCE)
        super().__init__(_checked(listen), _Report)

    @property
    def url(self) -> str:
        """The class's address for those who reach this machine."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """One connection; beyond `AT_ONCE` it is closed unanswered, and its sender tries again."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: who broke a connection off tries again."""


class _Report(http.server.BaseHTTPRequestHandler):
    server: Forwarder
    timeout = IDLE_SECONDS
    server_version, sys_version = "webhook-lab", ""
    error_content_type = "text/plain"
    error_message_format = "%(message)s\n"

    def do_POST(self) -> None:
        headers = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
        length = self.headers.get("content-length", "")
        if self.path != PATH or "origin" in self.headers:
            self._refuse(HTTPStatus.NOT_FOUND)
        elif "webhook-signature" not in headers:
            self._refuse(HTTPStatus.UNAUTHORIZED)
        elif not (length.isascii() and length.isdigit()) or int(length[:9]) > LARGEST:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            self._pass_on(Delivery(PATH, self.rfile.read(int(length)), headers))

    def _pass_on(self, delivery: Delivery) -> None:
        try:
            answer = post(self.server.to, delivery)
        except LabError:
            self._refuse(HTTPStatus.BAD_GATEWAY)
            return
        self.server.passed_on += 1
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def _refuse(self, status: HTTPStatus) -> None:
        self.server.refused += 1
        self.send_error(status)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing: who asked is nobody's business."""


def _checked(listen: str) -> tuple[str, int]:
    """The address and the port."""
    host, _, port = listen.partition(":")
    try:
        address = ipaddress.IPv4Address(host)
        number = int(port) if port.isascii() and port.isdigit() else PORT if not port else -1
    except ValueError:
        address, number = ipaddress.IPv4Address(0), 0
    if address.is_unspecified or address.is_multicast or not 0 < number < 2**16:
        said = f"{listen!r} is no one address of this machine with a port from 1 to 65535"
        try_this = (
            "Give the address by which the class's network knows this machine: webhook-lab class lists it."
        )
        raise LabError("listen for the class", said, try_this)
    return str(address), number
