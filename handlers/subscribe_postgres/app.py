"""Work on deliveries from the queue and store each one once in PostgreSQL, however often it arrives.

Event in     a batch of SQS messages, as `subscribe` takes them; what it does with a message is done here too,
             by the same code (subscribe/app.py is zipped along). Only where a delivery is stored is another.
Effect       one row of the table `webhooks` (schema.sql) for each delivery, in one transaction. The same
             delivery again: its message id is added to `delivered_by`. The same id with another body: a row
             of its own, `<id>#conflict:<digest>`.
Answer       the messages that failed, and only those, go back to the queue (ReportBatchItemFailures).
Connection   one for as long as this environment lives, opened on first use; a broken one is replaced once.
             An idle environment keeps it: the database counts environments, not invocations.
Environment  PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE
             PGSSLMODE     "disable" for loopback alone; else the server has to prove who it is
             PGSSLROOTCERT whose word counts then: the file of a certificate authority, such as AWS's for RDS
             WORK_SECONDS  as for `subscribe`
"""

import base64
import contextlib
import json
import os
import ssl
from functools import cache
from typing import Any

import pg8000.native
from subscribe.app import log, settle

CONNECT_SECONDS = 10
"""How long to wait for an answer of the server's. Behind a pooler: for a free connection, too."""

COLUMNS = ("id", "body", "body_sha256", "message_id", "receive_count", "delivered_by", "conflict_of", "story")
INSERT = """
    INSERT INTO webhooks (id, body, body_sha256, message_id, receive_count, delivered_by, conflict_of, story)
    VALUES (:id, :body, :body_sha256, :message_id, :receive_count, :delivered_by, :conflict_of,
            CAST(:story AS json))
    ON CONFLICT (id) DO NOTHING RETURNING id
"""
CARRIED = "SELECT delivered_by FROM webhooks WHERE id = :id AND body_sha256 = :digest FOR UPDATE"
CARRY = "UPDATE webhooks SET delivered_by = delivered_by || CAST(:message_id AS text) WHERE id = :id"


class DatabaseFailed(Exception):
    """PostgreSQL, or the way to it, in one line."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    log("invocation_start", context)
    with contextlib.suppress(Exception):  # at once, so that an empty batch warms an environment up
        connection()  # refused: each record says so
    failed = [record["messageId"] for record in event["Records"] if not settle(record, context, store)]
    log("invocation_finish", context)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def store(item: dict[str, Any]) -> str:
    """Put the item into the table, over the connection that this environment keeps.

    Raises:
        DatabaseFailed: in PostgreSQL's own words, or those of the way to it.
    """
    try:
        kept = connection()
        try:
            return put(kept, item)
        except pg8000.native.Error:  # it may be broken, or amid a transaction: not to be trusted again
            connection.cache_clear()
            with contextlib.suppress(pg8000.native.Error):
                kept.close()
            return put(connection(), item)
    except pg8000.native.Error as error:
        raise DatabaseFailed(in_words(error)) from error


def put(database: Any, item: dict[str, Any]) -> str:
    """One transaction: the row, or a note on the one that is there. Whether it was committed or not when the
    connection broke, it may be repeated: what is there stays as it is."""
    database.run("START TRANSACTION")
    outcome = outcome_of(database, item)
    database.run("COMMIT")
    return outcome


def outcome_of(database: Any, item: dict[str, Any]) -> str:
    """What becomes of the item, told as `subscribe` tells it."""
    if database.run(INSERT, **row_of(item)):
        return "stored"
    carried = database.run(CARRIED, id=item["id"], digest=item["body_sha256"])
    if not carried:  # the id is taken by another body
        conflict = f"{item['id']}#conflict:{item['body_sha256'][:16]}"
        outcome_of(database, {**item, "id": conflict, "conflict_of": item["id"]})
        return "conflict"
    if item["message_id"] in carried[0][0]:
        return "redelivered"
    database.run(CARRY, id=item["id"], message_id=item["message_id"])
    return "duplicate"


def row_of(item: dict[str, Any]) -> dict[str, Any]:
    """The item as the table's columns. Pure. What has no column is in `story`, as JSON."""
    story = {name: value for name, value in item.items() if name not in (*COLUMNS, "expires_at")}
    body = base64.b64decode(item["body"]) if item["body_is_base64"] else item["body"].encode()
    return {
        **{name: item.get(name) for name in COLUMNS},
        "body": body,
        "delivered_by": sorted(item["delivered_by"]),
        "story": json.dumps(story),
    }


@cache
def connection() -> Any:
    """The connection of this environment: opened on first use, kept while it works."""
    return pg8000.native.Connection(**arguments_of(os.environ), timeout=CONNECT_SECONDS)


def arguments_of(environment: Any) -> dict[str, Any]:
    """What pg8000 connects with, from the variables that every PostgreSQL program reads. Pure but for a file.

    Anything but "disable" is taken for libpq's verify-full: encrypted to nobody in particular helps nobody.
    """
    root = environment.get("PGSSLROOTCERT") or None
    plain = environment.get("PGSSLMODE") == "disable"
    return {
        "host": environment["PGHOST"],
        "port": int(environment.get("PGPORT") or 5432),
        "user": environment["PGUSER"],
        "password": environment["PGPASSWORD"],
        "database": environment["PGDATABASE"],
        "ssl_context": False if plain else ssl.create_default_context(cafile=root),
    }


def in_words(error: Exception) -> str:
    """What PostgreSQL said, else what happened to the connection. Pure."""
    said = error.args[0] if error.args else ""
    return f"{said['S']}: {said['M']}" if isinstance(said, dict) else str(error.__cause__ or said)
