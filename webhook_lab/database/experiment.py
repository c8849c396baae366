"""The same webhooks on their way into the same database, by four designs.

(a) `connect_and_store`: each webhook's function opens a connection of its own.
(b) The same, but the sender tries again when the function fails.
(c) The function only puts the webhook on a queue; behind the sender's back `consume` stores it.
(d) `connect_and_store` once more, over the port of a pooler.

`webhook_lab.database.burst` is the senders, and what runs all this.
"""

import psycopg

from webhook_lab.database.buffer import Buffer
from webhook_lab.database.outcome import Webhook

TABLE = """
    CREATE TABLE IF NOT EXISTS deliveries (
        run text, id text, body text, stored_at timestamptz DEFAULT clock_timestamp(), PRIMARY KEY (run, id)
    )
"""


def connect_and_store(database: str, webhook: Webhook) -> None:
    """What a function does that knows nothing of the others: a connection of its own for each webhook."""
    with psycopg.connect(database) as connection:
        store(connection, webhook)


def store(connection: psycopg.Connection, webhook: Webhook) -> None:
    """One webhook's transaction: stored once, however often it comes."""
    with connection.transaction():
        connection.execute(
            "INSERT INTO deliveries (run, id, body) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            (webhook.run, webhook.id, webhook.body),
        )
        # Stands for prices, stock, an invoice: the rest of the work.
        connection.execute("SELECT pg_sleep(%s)", (webhook.work,))


def consume(queue: Buffer, database: str) -> None:
    """One consumer: takes message after message, over a connection that it keeps."""
    with psycopg.connect(database) as connection:
        for webhook in queue.messages():
            store(connection, webhook)
            queue.delete(webhook)
