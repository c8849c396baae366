"""A real PostgreSQL that can be overloaded, and what it takes to keep webhooks from doing it.

Needs the extra `database`; nothing else in the library does, so this package is imported where it is used.
"""

import importlib.util

from webhook_lab.aws.errors import LabError

if importlib.util.find_spec("psycopg") is None:
    raise LabError(
        "load the database experiment",
        "psycopg, the PostgreSQL driver, is not installed here",
        "Run: python -m pip install 'webhook-lab[database]'   The other chapters do without it.",
    )
