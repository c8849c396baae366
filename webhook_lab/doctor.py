"""Whether this machine and this target can run the lab: one line per requirement, OK or FAIL, and the fix.

What it prints by default is the same on every healthy machine; versions, paths and sizes are in the details.
Nothing beyond the standard library is imported before it is known to be there.
"""

import importlib.metadata
import os
import shutil
import socket
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from webhook_lab.aws.session import Session

OLDEST_PYTHON = (3, 11)
FREE_MEGABYTES = 200
"""Temporary space for a local cloud: a few unpacked functions and its log, with room to spare."""
RESERVES = 2
"""Executions that the subscribe function reserves (the pipeline's default)."""
INSTALL = "Run `make env`, or: python -m pip install -e '.[local]'"


@dataclass(frozen=True)
class Check:
    """One requirement: whether it holds, what was seen, and advice or the fix (empty when there is none)."""

    name: str
    ok: bool
    said: str
    fix: str = ""


class Problem(Exception):
    """Why a requirement does not hold, and the fix."""

    def __init__(self, said: str, fix: str) -> None:
        super().__init__(said)
        self.said, self.try_this = said, fix


@dataclass(frozen=True)
class Report:
    """All checks, in a fixed order. Its text is stable across machines as long as all is well."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)

    def text(self, details: bool = False) -> str:
        """A line for each check; what was seen and the fix under those that failed, or all (`details`)."""
        lines = []
        for check in self.checks:
            lines.append(f"{'OK' if check.ok else 'FAIL':4}  {check.name}")
            if details or not check.ok:
                lines.append(f"      said: {check.said}")
            if check.fix:
                lines.append(f"      try:  {check.fix}")
        return "\n".join(lines)

    __repr__ = text


def examine(environ: Mapping[str, str] = os.environ) -> Report:
    """Check every requirement; none stops the others. Finding the target may start the local cloud."""
    local = (environ.get("WEBHOOK_LAB_TARGET", "").strip() or "local") == "local"
    sessions: list[Session] = []
    checks = (
        _check(f"Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer", _python),
        _check("packages", lambda: _packages("")),
        _check("embedded AWS", lambda: _packages("local") if local else "not needed for this target"),
        _check("loopback network", _loopback),
        _check("state folder", lambda: _state(environ)),
        _check("runtime folder", lambda: _writable(_runtime_folder(environ))),
        _check("file lock", lambda: _file_lock(_runtime_folder(environ))),
        _check("temporary space", _temporary_space),
        _check("target", lambda: _target(environ, sessions)),
        _check("permission to look", lambda: _permissions(_only(sessions))),
        _check("throttle", lambda: _reserved_concurrency(_only(sessions))),
    )
    return Report(checks)


def _only(sessions: "list[Session]") -> "Session":
    if not sessions:
        raise Problem("not asked, since the target did not answer", "Mend the target first.")
    return sessions[0]


def _check(name: str, look: Callable[[], str | tuple[str, str]]) -> Check:
    """Run one look: it returns what it saw (and advice, if it has any), or raises."""
    try:
        seen = look()
    except Exception as error:  # a doctor reports whatever is wrong
        said = str(getattr(error, "said", f"{type(error).__name__}: {error}"))
        fix = INSTALL if isinstance(error, ImportError) else "This was not expected: please report it."
        return Check(name, False, said, str(getattr(error, "try_this", fix)))
    said, fix = seen if isinstance(seen, tuple) else (seen, "")
    return Check(name, True, said, fix)


def _python() -> str:
    said = f"{sys.version.split()[0]} at {sys.executable}"
    if sys.version_info < OLDEST_PYTHON:
        raise Problem(said, "Install a newer Python, and make the environment with it.")
    return said


def _packages(extra: str) -> str:
    """What Requires-Dist lines ask for on this machine: for one extra alone, or ("") for all without one."""
    from packaging.requirements import Requirement

    def asks(each: Requirement, extra: str) -> bool:
        return each.marker is None or each.marker.evaluate({"extra": extra})

    try:
        every = map(Requirement, importlib.metadata.requires("webhook-lab") or [])
    except importlib.metadata.PackageNotFoundError:
        raise Problem("webhook-lab itself is not installed here", INSTALL) from None
    asked = [each for each in every if asks(each, extra) and not (extra and asks(each, ""))]
    have = {each: _installed(each.name) for each in asked}
    problems = [
        f"{each.name} is {version or 'not installed'} ({each.specifier} is asked)"
        for each, version in have.items()
        if version is None or not each.specifier.contains(version, prereleases=True)
    ]
    if problems:
        raise Problem("; ".join(problems), INSTALL)
    return ", ".join(f"{each.name} {version}" for each, version in have.items())


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _loopback() -> str:
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), timeout=5).close()
    except OSError as error:
        fix = "Let programs open ports on 127.0.0.1: look at the firewall and at security software."
        raise Problem(f"127.0.0.1 cannot be used: {error}", fix) from error
    return "a port on 127.0.0.1 opens and answers"


def _state(environ: Mapping[str, str]) -> str:
    from webhook_lab.ledger import state_folder

    return _writable(state_folder(environ))


def _runtime_folder(environ: Mapping[str, str]) -> Path:
    import platformdirs

    if home := environ.get("WEBHOOK_LAB_HOME"):
        return Path(home).expanduser().absolute() / "run"
    with warnings.catch_warnings(action="ignore"):  # it says so where it has to fall back, which is fine
        return platformdirs.user_runtime_path("webhook-lab")


def _writable(folder: Path) -> str:
    fix = "Make it writable, or set WEBHOOK_LAB_HOME to a folder that is."
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"ok")
    except OSError as error:
        raise Problem(f"{folder} cannot be written to: {error}", fix) from error
    return str(folder)


def _file_lock(folder: Path) -> str:
    from filelock import FileLock, Timeout

    fix = "Set WEBHOOK_LAB_HOME to a folder on a local disk: network disks often have no locks."
    _writable(folder)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        first, second = (FileLock(Path(place) / "doctor.lock", timeout=0) for _ in range(2))
        with first:
            try:
                second.acquire()
            except Timeout:
                return f"a lock in {folder} keeps others out"
            second.release()
    raise Problem(f"two programs can hold one lock in {folder}", fix)


def _temporary_space() -> str:
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free // 1_000_000
    said = f"{free} MB free in {folder}"
    if free < FREE_MEGABYTES:
        raise Problem(said, f"Free {FREE_MEGABYTES} MB there, or set TMPDIR to a folder that has them.")
    return said


def _target(environ: Mapping[str, str], sessions: "list[Session]") -> str:
    from webhook_lab.aws.session import Session
    from webhook_lab.aws.target import resolve

    target = resolve(environ)
    sessions.append(Session(target))
    return f"{target.traits.label}, account {target.account}, {target.region}"


def _permissions(session: "Session") -> str:
    """One harmless list call to each service that the pipeline is built in."""
    from webhook_lab.aws.errors import explain
    from webhook_lab.resources.role import ROLE_PATH

    with explain("list what each service holds"):
        session.sqs.list_queues(MaxResults=1)
        session.lambda_.list_functions(MaxItems=1)
        session.dynamodb.list_tables(Limit=1)
        session.iam.list_roles(PathPrefix=ROLE_PATH, MaxItems=1)
        session.apigateway.get_rest_apis(limit=1)
        session.logs.describe_log_groups(limit=1)
    return "SQS, Lambda, DynamoDB, IAM, API Gateway and CloudWatch Logs answer"


def _reserved_concurrency(session: "Session") -> str | tuple[str, str]:
    """An account that cannot reserve is no failure: the lab throttles with MaximumConcurrency alone there."""
    from webhook_lab.aws.errors import explain
    from webhook_lab.facts import quotas
    from webhook_lab.resources.account import account_limits

    if not session.target.traits.limits_account_concurrency:
        return "reserved concurrency is not limited by an account here"
    with explain("read the account's concurrency"):
        limits = account_limits(session)
    if limits is None:
        return "nobody here may ask for the account's concurrency: it counts as unlimited"
    said = f"{limits.unreserved} of {limits.concurrent} executions are unreserved"
    if limits.unreserved - RESERVES >= (must_stay := quotas.LAMBDA_UNRESERVED_CONCURRENCY.value):
        return said
    return said, (
        f"{must_stay} executions must stay unreserved: here MaximumConcurrency alone throttles (chapter 05). "
        "To reserve some, ask for more in Service Quotas: Lambda, concurrent executions."
    )
