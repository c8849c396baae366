"""The way out: straight, or through the proxy that boto3 would take to the same address."""

import asyncio
import base64
import ipaddress
import ssl
from urllib.parse import SplitResult, unquote, urlsplit

import h11
from botocore.utils import get_environ_proxies

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
PORT = 3128
"""Where proxies listen that name no port, by custom."""


def proxy_for(url: str) -> SplitResult | None:
    """The proxy that leads to an https address: HTTPS_PROXY, unless NO_PROXY names the host.

    None where the way is straight: to this machine, and to what is not encrypted: endpoints for tests.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or _is_here(parts.hostname or ""):
        return None
    named = str(get_environ_proxies(url).get("https") or "")
    return urlsplit(named if "://" in named else f"http://{named}") if named else None


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


async def tunnel(proxy: SplitResult, host: str, port: int, tls: ssl.SSLContext) -> Streams:
    """Have the proxy connect to the host, and speak TLS with that through it (RFC 9110, 9.3.6).

    Raises:
        OSError: nobody listens there, it refuses, or the host's certificate does not hold.
    """
    to_proxy = ssl.create_default_context() if proxy.scheme == "https" else None
    reader, writer = await asyncio.open_connection(proxy.hostname, proxy.port or PORT, ssl=to_proxy)
    try:
        http = h11.Connection(h11.CLIENT)
        writer.write(http.send(_connect(proxy, f"{host}:{port}")) or b"")
        writer.write(http.send(h11.EndOfMessage()) or b"")
        while (event := http.next_event()) is h11.NEED_DATA or isinstance(event, h11.InformationalResponse):
            if event is h11.NEED_DATA:
                http.receive_data(await reader.read(64 * 1024))
        if not isinstance(event, h11.Response) or not 200 <= event.status_code < 300:
            said = event.status_code if isinstance(event, h11.Response) else "nothing"
            raise ConnectionRefusedError(f"the proxy {proxy.hostname} answered {said}")
        await writer.start_tls(tls, server_hostname=host)
    except BaseException:
        writer.transport.abort()
        raise
    return reader, writer


def _connect(proxy: SplitResult, to: str) -> h11.Request:
    headers = [("Host", to)]
    if proxy.username:
        known = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
        headers.append(("Proxy-Authorization", f"Basic {base64.b64encode(known).decode()}"))
    return h11.Request(method="CONNECT", target=to, headers=headers)
