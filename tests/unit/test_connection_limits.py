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


def test_what_others_need_is_kept_and_the_rest_shared_by_what_an_invocation_opens() -> None:
    limit = connection_limit("RDS for PostgreSQL", "db.t4g.small", kept_share=0.2, per_invocation=2)
    assert (limit.max_connections, limit.kept, limit.maximum_concurrency) == (225, 45, 90)
    assert limit.maximum_concurrency
    assert limit.maximum_concurrency * limit.per_invocation <= limit.max_connections - limit.kept


def test_a_share_is_rounded_up_for_those_it_is_kept_for() -> None:
    assert connection_limit("RDS for MySQL", "db.t4g.micro", kept_share=0.1).kept == 9
    assert connection_limit("RDS for PostgreSQL", "db.t4g.medium", kept_share=0.2).kept == 90
    assert connection_limit("RDS for PostgreSQL", "db.t4g.medium", kept_share=0).kept == 0


def test_a_whole_account_asks_for_more_than_most_databases_have() -> None:
    small = connection_limit("RDS for PostgreSQL", "db.t4g.small", kept_share=0.2)
    assert (small.asked, small.refused) == (1_000, 820)
    large = connection_limit("RDS for PostgreSQL", "db.r6g.2xlarge", kept_share=0.2)
    assert (large.maximum_concurrency, large.refused) == (1_000, 0)


def test_when_not_even_the_least_maximum_concurrency_is_safe() -> None:
    assert connection_limit("Aurora MySQL", "db.t4g.small", per_invocation=30).maximum_concurrency is None
    assert connection_limit("Aurora MySQL", "db.t4g.small", per_invocation=18).maximum_concurrency == 2


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
