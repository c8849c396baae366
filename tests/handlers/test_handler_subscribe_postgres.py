"""subscribe_postgres: the pure core, and how it keeps its connection; a real server is tests/cloud's."""

import hashlib
import importlib.util
import json
import ssl
import sys
from types import ModuleType

import pg8000.native
import pytest

from tests.handlers.conftest import HANDLERS, Context, sqs_batch
from tests.handlers.test_handler_subscribe import envelope, outcomes

PG = {"PGHOST": "127.0.0.1", "PGUSER": "app", "PGPASSWORD": "p", "PGDATABASE": "postgres"}


class FakeConnection:
    """Keeps rows by id, and answers the handler's own statements."""

    def __init__(self, rows: dict, breaks: int = 0) -> None:
        self.rows, self.breaks, self.closed = rows, breaks, False

    def run(self, sql: str, **values):
        if self.breaks and "INSERT" in sql:
            self.breaks -= 1
            raise pg8000.native.InterfaceError("network error")
        if "INSERT" in sql:
            if values["id"] in self.rows:
                return []
            self.rows[values["id"]] = values
            return [[values["id"]]]
        if "SELECT" in sql:
            row = self.rows[values["id"]]
            return [[list(row["delivered_by"])]] if row["body_sha256"] == values["digest"] else []
        if "UPDATE" in sql:
            self.rows[values["id"]]["delivered_by"].append(values["message_id"])
        return []

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    for folder in (
        "",
        "shared",
        "subscribe",
    ):  # as they lie in the zip: subscribe/app.py, the rest at the top
        monkeypatch.syspath_prepend(str(HANDLERS / folder))
    beside = {"subscribe", "senders", "claim_check", "direct"}
    for name in [name for name in sys.modules if name.partition(".")[0] in beside]:
        monkeypatch.delitem(sys.modules, name)
    spec = importlib.util.spec_from_file_location("pg_app", HANDLERS / "subscribe_postgres" / "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def connect(app: ModuleType, monkeypatch: pytest.MonkeyPatch, *answers) -> list:
    """Each new connection is the next answer; an exception among them is raised."""
    opened, waiting = [], list(answers)

    def open_one(**_):
        opened.append(waiting.pop(0))
        if isinstance(opened[-1], Exception):
            raise opened[-1]
        return opened[-1]

    monkeypatch.setattr(app.pg8000.native, "Connection", open_one)
    for name, value in PG.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PGSSLMODE", "disable")
    return opened


def failed(app: ModuleType, batch: dict) -> list[str]:
    answer = app.handler(batch, Context("webhook-lab-subscribe"))
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


def test_once_however_often_and_a_conflict_is_kept(app, monkeypatch, log_lines):
    rows: dict = {}
    opened = connect(app, monkeypatch, FakeConnection(rows))
    same, other = envelope(), envelope(content=b"[]")
    batch = sqs_batch(("m1", same), ("m1", same), ("m2", same), ("m3", other), ("bad", "no envelope"))
    assert failed(app, batch) == ["bad"]
    assert outcomes(log_lines) == ["stored", "redelivered", "duplicate", "conflict", "failed"]
    conflict = f"webhook:msg_1#conflict:{hashlib.sha256(b'[]').hexdigest()[:16]}"
    assert list(rows) == ["webhook:msg_1", conflict]
    assert rows["webhook:msg_1"]["delivered_by"] == ["m1", "m2"]
    assert rows[conflict]["conflict_of"] == "webhook:msg_1"
    assert rows["webhook:msg_1"]["body"] == b"{}"
    assert json.loads(rows["webhook:msg_1"]["story"])["message"] == "hello from /a"
    assert len(opened) == 1


def test_one_connection_lives_as_long_as_the_environment(app, monkeypatch):
    opened = connect(app, monkeypatch, FakeConnection({}))
    for number in range(3):
        assert failed(app, sqs_batch((f"m{number}", envelope(f"webhook:{number}")))) == []
    assert len(opened) == 1


def test_a_broken_connection_is_closed_and_replaced_once(app, monkeypatch, log_lines):
    rows: dict = {}
    broken, mended = FakeConnection(rows, breaks=1), FakeConnection(rows)
    opened = connect(app, monkeypatch, broken, mended)
    assert failed(app, sqs_batch(("m1", envelope()))) == []
    assert (opened, broken.closed, mended.closed) == ([broken, mended], True, False)
    assert outcomes(log_lines) == ["stored"]


def test_refused_each_record_fails_in_postgresqls_words_and_the_next_one_tries_again(
    app, monkeypatch, log_lines
):
    said = {"S": "FATAL", "C": "53300", "M": "sorry, too many clients already"}
    refused = pg8000.native.DatabaseError(said)
    connect(app, monkeypatch, refused, refused, FakeConnection({}))
    assert failed(app, sqs_batch(("m1", envelope("webhook:1")), ("m2", envelope("webhook:2")))) == ["m1"]
    errors = [line["error"] for line in log_lines() if line.get("outcome") == "failed"]
    assert errors == ["DatabaseFailed: FATAL: sorry, too many clients already"]


def test_an_empty_batch_opens_the_connection_and_fails_for_nobody(app, monkeypatch):
    opened = connect(app, monkeypatch, OSError("no route"), FakeConnection({}))
    assert failed(app, {"Records": []}) == []
    assert failed(app, {"Records": []}) == []
    assert len(opened) == 2


def test_anything_but_loopback_checks_the_servers_certificate(app):
    plain = app.arguments_of({**PG, "PGSSLMODE": "disable"})
    assert (plain["ssl_context"], plain["port"]) == (False, 5432)
    for mode in ("", "require", "verify-full"):
        context = app.arguments_of({**PG, "PGSSLMODE": mode, "PGPORT": "6432"})["ssl_context"]
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


EVENTS = sorted((HANDLERS / "subscribe" / "events").glob("*.expected.json"))


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.name.partition(".")[0])
def test_subscribes_own_events_end_in_the_same_answer_and_under_the_same_ids(path, app, monkeypatch):
    """Those that API Gateway queued itself, too, with their signatures judged."""
    wanted = json.loads(path.read_text(encoding="utf-8"))
    event = json.loads(path.with_name(path.name.replace(".expected", "")).read_text(encoding="utf-8"))
    subscribe, rows = sys.modules["subscribe.app"], {}
    monkeypatch.setattr(subscribe, "SIGNED_PREFIX", wanted["environment"].get("SIGNED_PREFIX", ""))
    secrets = wanted["environment"].get("SIGNING_SECRET", "").split()
    monkeypatch.setattr(subscribe, "SIGNING_SECRETS", secrets)
    connect(app, monkeypatch, FakeConnection(rows))
    assert app.handler(event, Context("webhook-lab-subscribe")) == wanted["answer"]
    assert sorted(rows) == sorted(item["id"] for item in wanted["items"])


def test_an_error_is_told_in_one_line(app):
    error = pg8000.native.InterfaceError("Can't create a connection")
    error.__cause__ = ConnectionRefusedError(111, "Connection refused")
    assert app.in_words(error) == "[Errno 111] Connection refused"
    assert app.in_words(pg8000.native.InterfaceError("network error")) == "network error"
