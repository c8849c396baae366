"""List prices in us-east-1, in US dollars, without free tiers unless one is named."""

from webhook_lab.facts import quotas
from webhook_lab.facts.fact import Fact

_PRICING = "https://aws.amazon.com/{}/pricing/"
_SQS = _PRICING.format("sqs")
_LAMBDA = _PRICING.format("lambda")
_DYNAMODB = _PRICING.format("dynamodb/on-demand")

MONTH_SECONDS = 30 * 24 * 60 * 60
"""A month of thirty days, as prices are compared in."""

REST_API_REQUESTS = Fact(3.50, "USD per million requests", _PRICING.format("api-gateway"))
LAMBDA_REQUESTS = Fact(0.20, "USD per million requests", _LAMBDA)
LAMBDA_GB_SECONDS = Fact(0.0000166667, "USD per GB-second", _LAMBDA)
SQS_REQUESTS = Fact(0.40, "USD per million requests", _SQS)
SQS_FIFO_REQUESTS = Fact(0.50, "USD per million requests", _SQS)
SQS_REQUEST_BYTES = Fact(64 * 1024, "bytes", _SQS)
"""A request is charged once for each started piece of this size."""
SQS_FREE_REQUESTS = Fact(1_000_000, "requests a month", _SQS)
DYNAMODB_WRITES = Fact(0.625, "USD per million write units", _DYNAMODB)
S3_STORAGE = Fact(0.023, "USD per GB a month", _PRICING.format("s3"))
LOGS_INGESTED = Fact(0.50, "USD per GB", _PRICING.format("cloudwatch"))
ALARM_MONTHS = Fact(0.10, "USD a month for each alarm", _PRICING.format("cloudwatch"))
"""For a metric at the standard resolution of a minute."""
FREE_ALARMS = Fact(10, "alarms", _PRICING.format("cloudwatch"))

# The prices of RDS were read where others quote them: AWS shows its own only to a browser that runs scripts.
RDS_INSTANCE_HOURS = Fact(0.032, "USD an hour", _PRICING.format("rds/postgresql"))
"""A db.t4g.small with PostgreSQL in one Availability Zone; two of them cost twice as much."""
RDS_STORAGE_GB_MONTHS = Fact(0.115, "USD a month for each GB", _PRICING.format("rds/postgresql"))
"""General purpose (gp3); the instance takes 20 GB at least."""
RDS_STORAGE_LEAST = Fact(20, "GB", "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html")
RDS_PROXY_VCPU_HOURS = Fact(0.015, "USD an hour for each vCPU", _PRICING.format("rds/proxy"))
"""Of the instance behind it; a db.t4g.small has two."""
ENDPOINT_HOURS = Fact(0.01, "USD an hour in each Availability Zone", _PRICING.format("privatelink"))
"""An interface endpoint: how a function in a VPC without a way out reaches Secrets Manager."""
SECRET_MONTHS = Fact(0.40, "USD a month for each secret", _PRICING.format("secrets-manager"))
NETWORK_ITSELF = Fact(0.0, "USD an hour", _PRICING.format("vpc"))
"""A VPC, its subnets and security groups, and the network interfaces of a function in it."""

IDLE_RECEIVES = Fact(
    MONTH_SECONDS // quotas.SQS_WAIT_LONGEST.value * quotas.MAPPING_STARTS_WITH.value,
    "receives a month",
    quotas.MAPPING_STARTS_WITH.source,
)
"""How often a mapping asks an idle queue: its first pollers, each waiting as long as a receive can.

Where no MaximumConcurrency is set, AWS may let fewer ask: `quotas.MAPPING_IDLES_WITH`.
"""


def idle_labs(labs: int, *, free: bool = False) -> float:
    """US dollars a month for so many forgotten labs of one account, whose mappings poll their queues.

    Args:
        free: SQS's free requests count, once for the whole account.
    """
    asked = labs * IDLE_RECEIVES.value - (SQS_FREE_REQUESTS.value if free else 0)
    return max(0, asked) / 1_000_000 * SQS_REQUESTS.value
