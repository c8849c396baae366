"""How many functions a managed database can take: the formulas, the tables, and the rule."""

import pytest

from webhook_lab.aws.errors import LabError
from webhook_lab.database.connection_limits import CLASSES, ENGINES, connection_limit, default_max_connections

NONE = None
# As AWS's pages state it, or as its formula gives it for all of the class's memory.
TABLE = {
    "db.t4g.micro": (85, 112, NONE, NONE),
    "db.t4g.small": (170, 225, 45, NONE),
    "db.t4g.medium": (341, 450, 90, 405),
    "db.t4g.large": (682, 901, 135, 844),
    "db.m6g.large": (682, 901, NONE, NONE),
    "db.r6g.large": (1_365, 1_802, 1_000, 1_722),
    "db.r6g.xlarge": (2_730, 3_604, 2_000, 3_479),
    "db.r6g.2xlarge": (5_461, 5_000, 3_000, 5_000),
}


@pytest.mark.parametrize("instance_class", CLASSES)
def test_max_connections_by_engine_and_class(instance_class: str) -> None:
    found = tuple(default_max_connections(engine, instance_class) for engine in ENGINES)
    assert found == TABLE[instance_class]


@pytest.mark.parametrize(
    ("engine", "instance_class", "share", "each", "kept", "most", "refused"),
    [
        ("RDS for PostgreSQL", "db.t4g.small", 0.2, 2, 45, 90, 1_820),
        ("RDS for PostgreSQL", "db.t4g.small", 0.2, 1, 45, 180, 820),
        ("RDS for PostgreSQL", "db.r6g.2xlarge", 0.2, 1, 1_000, 1_000, 0),  # more than an account asks for
        ("RDS for PostgreSQL", "db.t4g.medium", 0, 1, 0, 450, 550),
        ("RDS for MySQL", "db.t4g.micro", 0.1, 1, 9, 76, 924),  # rounded up for those it is kept for
        ("Aurora MySQL", "db.t4g.small", 0.2, 18, 9, 2, 17_964),
        ("Aurora MySQL", "db.t4g.small", 0.2, 30, 9, None, 29_964),  # not even the least is safe
    ],
)
def test_what_others_need_is_kept_and_the_rest_shared_by_what_an_invocation_opens(
    engine: str, instance_class: str, share: float, each: int, kept: int, most: int | None, refused: int
) -> None:
    limit = connection_limit(engine, instance_class, kept_share=share, per_invocation=each)
    assert (limit.kept, limit.maximum_concurrency, limit.refused) == (kept, most, refused)


@pytest.mark.parametrize(
    ("engine", "instance_class", "more", "said"),
    [
        ("Oracle", "db.t4g.small", {}, "no db.t4g.small of Oracle"),
        ("RDS for MySQL", "db.huge", {}, "no db.huge"),
        ("Aurora PostgreSQL", "db.t4g.micro", {}, "no stated default"),
        ("RDS for MySQL", "db.t4g.micro", {"kept_share": 1}, "a share of 1"),
        ("RDS for MySQL", "db.t4g.micro", {"kept_share": -0.1}, "a share of -0.1"),
        ("RDS for MySQL", "db.t4g.micro", {"per_invocation": 0}, "0 connections"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(
    engine: str, instance_class: str, more: dict[str, float], said: str
) -> None:
    with pytest.raises(LabError, match=said) as error:
        connection_limit(engine, instance_class, **more)  # type: ignore[arg-type]
    assert error.value.try_this
