"""How many connections a managed database takes, by engine and instance class.

Nominal upper bounds: DBInstanceClassMemory is the class's memory less what the system and RDS keep for
themselves, which is not published. Ask the database itself: SHOW max_connections.
"""

from webhook_lab.facts.fact import Fact

ByClass = tuple[tuple[str, int], ...]
"""Pairs of an instance class and its number."""

_RDS = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html"
_CLASSES = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Summary.html"
_AURORA = "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/"
_AURORA_MYSQL = _AURORA + "AuroraMySQL.Managing.Performance.html"
_AURORA_POSTGRESQL = _AURORA + "AuroraPostgreSQL.Managing.html"

GIB = 1024**3

RDS_MYSQL_BYTES_PER_CONNECTION = Fact(12_582_880, "bytes", _RDS)
"""The default max_connections is {DBInstanceClassMemory/12582880}."""
POSTGRESQL_BYTES_PER_CONNECTION = Fact(9_531_392, "bytes", _RDS)
"""The default max_connections is LEAST({DBInstanceClassMemory/9531392}, 5000)."""
POSTGRESQL_DEFAULT_MOST = Fact(5_000, "connections", _RDS)

MEMORY: Fact[ByClass] = Fact(
    (
        ("db.t4g.micro", 1),
        ("db.t4g.small", 2),
        ("db.t4g.medium", 4),
        ("db.t4g.large", 8),
        ("db.m6g.large", 8),
        ("db.r6g.large", 16),
        ("db.r6g.xlarge", 32),
        ("db.r6g.2xlarge", 64),
    ),
    "GiB",
    _CLASSES,
)
"""Memory by instance class."""

AURORA_MYSQL_DEFAULT: Fact[ByClass] = Fact(
    (
        ("db.t4g.small", 45),
        ("db.t4g.medium", 90),
        ("db.t4g.large", 135),
        ("db.r6g.large", 1_000),
        ("db.r6g.xlarge", 2_000),
        ("db.r6g.2xlarge", 3_000),
    ),
    "connections",
    _AURORA_MYSQL,
)
AURORA_POSTGRESQL_DEFAULT: Fact[ByClass] = Fact(
    (
        ("db.t4g.medium", 405),
        ("db.t4g.large", 844),
        ("db.r6g.large", 1_722),
        ("db.r6g.xlarge", 3_479),
        ("db.r6g.2xlarge", 5_000),
    ),
    "connections",
    _AURORA_POSTGRESQL,
)

PROXY_BORROW_TIMEOUT = Fact(
    120, "seconds", "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-connections.html"
)
"""How long RDS Proxy lets a client wait for a connection before it gives up."""
