"""The throw-away server as what a function stores in: its table, its address, and what it holds."""

from collections.abc import Iterable
from dataclasses import replace

import psycopg
from psycopg import sql

from webhook_lab.database.connection_limits import Limit
from webhook_lab.database.monitor import Monitor, answering
from webhook_lab.database.postgres import APPLICATION, SUPERUSER, Postgres

ROWS = "webhooks"
"""The table that `handlers/subscribe_postgres/schema.sql` makes."""


SCRAM_ROUNDS = 4096
"""What drivers ask for at least (RFC 7677). Chapter 01 opens so many connections that its role has one."""


def create_table(server: Postgres, schema: str) -> None:
    """Apply the schema as the application's own role, once, and let any driver check its password.

    Raises:
        LabError: PostgreSQL does not answer, or refuses it.
    """
    role, password = sql.Identifier(APPLICATION), sql.Literal(server.password)
    with answering("create the table"):
        with psycopg.connect(server.conninfo(SUPERUSER)) as connection:
            if server.version >= 16:  # earlier ones know no other number
                connection.execute(sql.SQL("SET scram_iterations = {}").format(SCRAM_ROUNDS))
            connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, password))
        with psycopg.connect(server.conninfo()) as connection:
            connection.execute(schema.encode())


def environment(server: Postgres, port: int | None = None) -> dict[str, str]:
    """What a function needs to know to connect, by the names that every PostgreSQL program reads.

    Args:
        port: of a pooler in front of the server; its own when left out.
    """
    return {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(port or server.port),
        "PGUSER": APPLICATION,
        "PGPASSWORD": server.password,
        "PGDATABASE": "postgres",
        "PGSSLMODE": "disable",  # it leaves this machine nowhere; see chapter 13 for anywhere else
    }


def receives_of(monitor: Monitor, ids: Iterable[str]) -> dict[str, int]:
    """Of these deliveries those that the table holds, each with the receive that it came with.

    Asked over the monitor's connection: the server may have no other to give.

    Raises:
        LabError: PostgreSQL does not answer.
    """
    asked = "SELECT id, receive_count FROM webhooks WHERE id = ANY(%s)"
    with answering("ask PostgreSQL what it holds"):
        return {str(id_): int(receives) for id_, receives in monitor.ask(asked, [list(ids)])}


def limit_of(server: Postgres, room: int, *, kept: int = 0, per_invocation: int = 1) -> Limit:
    """Chapter 01's rule for this server.

    Args:
        room: connections that it has for the application.
        kept: how many of these others need.
    """
    limit = Limit("PostgreSQL", f"version {server.version}", server.max_connections, 0, per_invocation)
    return replace(limit, kept=server.max_connections - room + kept)
