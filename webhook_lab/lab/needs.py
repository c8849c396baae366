"""What a chapter needs beyond its target, and in one sentence why it is not there."""

from importlib.util import find_spec

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.traits import Traits

ON_AWS = "a VPC, subnets, a security group, an RDS instance and an RDS Proxy"
"""What stands in for this machine's PostgreSQL on AWS; `facts.prices` says what it costs."""
DRIVER = "pg8000"
"""What chapter 13 zips into its function."""


def no_database_for(traits: Traits) -> str | None:
    """Why a function cannot store in a PostgreSQL of this machine's, and what to try; None if it can."""
    if not traits.functions_reach_loopback:
        return (
            f"against {traits.label} it would need {ON_AWS}, and builds none of them. "
            "Read it with the outputs it has, or run it against the local cloud."
        )
    try:
        from webhook_lab.database.programs import find_programs

        find_programs()
    except LabError as missing:
        return f"{missing.said}. {missing.try_this}"
    if find_spec(DRIVER) is None:
        return f"{DRIVER} is not installed here. Run: python -m pip install 'webhook-lab[database]'"
    return None
