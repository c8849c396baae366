"""How many functions a managed database can take at once, and what an unthrottled account would do to it.

The rule: MaximumConcurrency x connections per invocation <= max_connections - what others need.
"""

import math
from dataclasses import dataclass

from webhook_lab.aws.errors import LabError
from webhook_lab.facts import connections, quotas

ENGINES = ("RDS for MySQL", "RDS for PostgreSQL", "Aurora MySQL", "Aurora PostgreSQL")
_MEMORY = dict(connections.MEMORY.value)
CLASSES = tuple(_MEMORY)


@dataclass(frozen=True)
class Limit:
    """What one database allows.

    Args:
        max_connections: the engine's default for the class; nominal, the real one is lower.
        kept: connections left to people, migrations and other services.
        per_invocation: connections that one invocation opens.
    """

    engine: str
    instance_class: str
    max_connections: int
    kept: int
    per_invocation: int

    @property
    def maximum_concurrency(self) -> int | None:
        """The largest safe MaximumConcurrency of the mapping; None when not even its least is safe."""
        fits = (self.max_connections - self.kept) // self.per_invocation
        least, most = quotas.MAPPING_CONCURRENCY_LEAST.value, quotas.MAPPING_CONCURRENCY_MOST.value
        return min(fits, most) if fits >= least else None

    @property
    def asked(self) -> int:
        """Connections that the functions open when nothing throttles them but the account."""
        return quotas.LAMBDA_ACCOUNT_CONCURRENCY.value * self.per_invocation

    @property
    def refused(self) -> int:
        """How many of those find no room, with the others' share left alone."""
        return max(0, self.asked - (self.max_connections - self.kept))


def default_max_connections(engine: str, instance_class: str) -> int | None:
    """What the engine's default parameter group gives the class, nominally; None: not offered, or not stated.

    Raises:
        LabError: there is no such engine or class here.
    """
    if engine not in ENGINES or instance_class not in CLASSES:
        known = f"The engines are {', '.join(ENGINES)}; the classes {', '.join(CLASSES)}."
        raise LabError("look up a database's connections", f"no {instance_class} of {engine} here", known)
    memory = _MEMORY[instance_class] * connections.GIB
    if engine == "RDS for MySQL":
        return memory // connections.RDS_MYSQL_BYTES_PER_CONNECTION.value
    if engine == "RDS for PostgreSQL":
        most = connections.POSTGRESQL_DEFAULT_MOST.value
        return min(memory // connections.POSTGRESQL_BYTES_PER_CONNECTION.value, most)
    aurora = connections.AURORA_MYSQL_DEFAULT
    if engine == "Aurora PostgreSQL":
        aurora = connections.AURORA_POSTGRESQL_DEFAULT
    return dict(aurora.value).get(instance_class)


def connection_limit(
    engine: str, instance_class: str, *, kept_share: float = 0.2, per_invocation: int = 1
) -> Limit:
    """What a database allows when a share of its connections is kept for others.

    Args:
        kept_share: from 0 to less than 1; rounded up to whole connections.

    Raises:
        LabError: there is no such database, or a number makes no sense.
    """
    most = default_max_connections(engine, instance_class)
    if most is None:
        offered = [name for name in CLASSES if default_max_connections(engine, name)]
        said = f"{engine} has no stated default for {instance_class}"
        raise LabError("look up a database's connections", said, f"It has one for {', '.join(offered)}.")
    if not 0 <= kept_share < 1 or per_invocation < 1:
        said = f"a share of {kept_share} kept, {per_invocation} connections per invocation"
        raise LabError("work out a limit", said, "Keep from 0 to 0.99, and open at least 1 connection.")
    kept = math.ceil(round(most * kept_share, 6))
    return Limit(engine, instance_class, most, kept, per_invocation)
