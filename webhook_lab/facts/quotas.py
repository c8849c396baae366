"""Quotas and rules of the AWS services in the pipeline. What is not stated here is not stated anywhere.

Times are in seconds and sizes in bytes unless the unit says otherwise.
"""

from webhook_lab.facts.fact import Fact

_SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/"
_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/"
_API = "https://docs.aws.amazon.com/apigateway/latest/developerguide/"
_DYNAMODB = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"

_MESSAGES = _SQS + "SQSDeveloperGuide/quotas-messages.html"
_QUEUES = _SQS + "SQSDeveloperGuide/quotas-queues.html"
_METRICS = _SQS + "SQSDeveloperGuide/sqs-monitoring-using-cloudwatch.html"
_VISIBILITY = _SQS + "SQSDeveloperGuide/sqs-visibility-timeout.html"
_FAIR = _SQS + "SQSDeveloperGuide/sqs-fair-queues-detailed.html"
_LIMITS = _LAMBDA + "dg/gettingstarted-limits.html"
_CONCURRENCY = _LAMBDA + "dg/configuration-concurrency.html"
_WITH_QUEUE = _LAMBDA + "dg/services-sqs-configure.html"
_SCALING = _LAMBDA + "dg/services-sqs-scaling.html"
_RUNTIMES = _LAMBDA + "dg/lambda-runtimes.html"
_MAPPING = _LAMBDA + "api/API_CreateEventSourceMapping.html"
_API_LIMITS = _API + "api-gateway-request-throttling.html"

# SQS: messages
SQS_MESSAGE_BYTES = Fact(1_048_576, "bytes", _MESSAGES)
"""The largest message, its attributes counted; also a new queue's own limit."""
SQS_BATCH_ENTRIES = Fact(10, "messages", _MESSAGES)
"""The most messages in one SendMessageBatch, ReceiveMessage or DeleteMessageBatch."""
SQS_MESSAGE_ATTRIBUTES = Fact(10, "attributes", _SQS + "SQSDeveloperGuide/sqs-message-metadata.html")
SQS_BILLED_BYTES = Fact(64 * 1024, "bytes", "https://aws.amazon.com/sqs/pricing/")
"""Each started unit of a message's size is paid for as one request."""
SQS_RETENTION_SHORTEST = Fact(60, "seconds", _MESSAGES)
SQS_RETENTION_LONGEST = Fact(1_209_600, "seconds", _MESSAGES)
SQS_VISIBILITY_LONGEST = Fact(43_200, "seconds", _VISIBILITY)

# SQS: queues
SQS_IN_FLIGHT = Fact(120_000, "messages", _QUEUES)
"""About how many messages of one queue may be received and not yet deleted."""
SQS_WAIT_LONGEST = Fact(20, "seconds", _QUEUES)
"""The longest that a receive waits for a message (long polling)."""
SQS_NAME_REUSE_DELAY = Fact(60, "seconds", _SQS + "APIReference/API_DeleteQueue.html")
"""How long a deleted queue's name stays taken."""
SQS_MAX_RECEIVE_COUNT_MOST = Fact(
    1_000, "receives", _SQS + "SQSDeveloperGuide/sqs-configure-dead-letter-queue.html"
)
SQS_MOVES_PER_SECOND = Fact(500, "messages a second", _SQS + "APIReference/API_StartMessageMoveTask.html")
"""The most that a message move task moves."""
SQS_FAIR_SHARE = Fact(10, "% of the messages in flight", _FAIR)
SQS_FAIR_LEAST = Fact(30, "messages in flight", _FAIR)
"""A group of a standard queue is noisy above both; the others' messages are then given out first."""
SQS_FIFO_RATE = Fact(300, "calls a second for each action", _MESSAGES)
"""Of a FIFO queue without high throughput mode; a call takes up to ten messages."""
SQS_METRICS_EVERY = Fact(60, "seconds", _METRICS)
"""How often SQS gives CloudWatch its metrics."""
SQS_FIFO_DEDUPLICATION = Fact(
    300, "seconds", _SQS + "SQSDeveloperGuide/FIFO-queues-exactly-once-processing.html"
)
"""How long a FIFO queue remembers a deduplication id: shorter than any sender's retries."""

# Lambda: functions and accounts
LAMBDA_TIMEOUT_LONGEST = Fact(900, "seconds", _LIMITS)
LAMBDA_MEMORY_LARGEST = Fact(10_240, "MB", _LIMITS)
"""The most memory of a function; boto3 itself refuses less than 128."""
LAMBDA_CPU_MEMORY = Fact(1_769, "MB", _LAMBDA + "dg/configuration-memory.html")
"""The memory that comes with one processor; less memory is that much less of one (`python -m bench cold`)."""
LAMBDA_ENVIRONMENT_BYTES = Fact(4_096, "bytes", _LIMITS)
"""All environment variables of a function, names and values, as the JSON text that Lambda measures."""
LAMBDA_PAYLOAD = Fact(6, "MB", _LIMITS)
"""The largest request or response of a synchronous invocation."""
LAMBDA_INIT_LONGEST = Fact(10, "seconds", _LAMBDA + "dg/lambda-runtime-environment.html")
"""How long a function's code may take to be imported; then Lambda begins again, within its timeout."""
LAMBDA_ACCOUNT_CONCURRENCY = Fact(1_000, "executions", _LIMITS)
"""What an account may run at once in a region, unless it is new or has asked for more."""
LAMBDA_NEW_ACCOUNT_CONCURRENCY = Fact(10, "executions", _LIMITS)
"""What a new account may have: too few to reserve any."""
LAMBDA_UNRESERVED_CONCURRENCY = Fact(100, "executions", _CONCURRENCY)
"""What must stay unreserved: a reservation that would take it is refused."""
LAMBDA_FUNCTION_NAME_CHARACTERS = Fact(64, "characters", _LAMBDA + "api/API_CreateFunction.html")
LAMBDA_UNZIPPED_BYTES = Fact(250 * 1024**2, "bytes", _LIMITS)
"""The largest function from zips, unzipped, its layers counted."""
LAMBDA_ZIP_BYTES = Fact(50 * 1024**2, "bytes", _LIMITS)
"""The largest zip that is uploaded in the request itself; a larger one comes from a bucket."""
LAMBDA_LAYERS = Fact(5, "layers", _LIMITS)
LAMBDA_PYTHON_RUNTIMES = Fact(("python3.13", "python3.14"), "", _RUNTIMES)
"""The Python runtimes that this course is written for, oldest first."""
LAMBDA_PYTHON_RUNTIMES_KNOWN = Fact(
    tuple(f"python3.{minor}" for minor in range(6, 16)), "", _LAMBDA + "api/API_CreateFunction.html"
)
"""Every Python 3 runtime that Lambda's API has a name for, past ones too."""
LAMBDA_PYTHON_RUNTIMES_ENDED = Fact(("python3.6", "python3.7"), "", _RUNTIMES)
"""Those of them that no function can be created with any more."""

# Lambda: event source mappings of standard queues
MAPPING_CONCURRENCY_LEAST = Fact(2, "invocations", _SCALING)
"""The smallest MaximumConcurrency; boto3 itself refuses less."""
MAPPING_CONCURRENCY_MOST = Fact(1_000, "invocations", _SCALING)
MAPPING_STARTS_WITH = Fact(5, "batches", _SCALING)
"""How many batches a mapping reads at once when a queue becomes busy, and polls with when it is idle."""
MAPPING_IDLES_WITH = Fact(2, "batches", _SCALING)
"""As few may be left of them while little comes: but not where MaximumConcurrency is set."""
MAPPING_GROWS_BY = Fact(300, "invocations a minute", _SCALING)
MAPPING_ENDS_WITH = Fact(1_250, "invocations", _SCALING)
MAPPING_BATCH_LARGEST = Fact(10_000, "messages", _MAPPING)
MAPPING_BATCH_WITHOUT_WINDOW = Fact(10, "messages", _MAPPING)
MAPPING_WINDOW_LONGEST = Fact(300, "seconds", _MAPPING)
"""The largest batch that needs no batching window; beyond it the window is at least a second."""
VISIBILITY_PER_TIMEOUT = Fact(6, "times the function's timeout", _WITH_QUEUE)
"""What AWS advises as the least visibility timeout of a queue that feeds a function."""
MAX_RECEIVE_COUNT_ADVISED = Fact(5, "receives", _WITH_QUEUE)
"""What AWS advises as the least maxReceiveCount, so that throttling sends no good message to the DLQ."""

LAMBDA_SCALES_BY = Fact(1_000, "executions every 10 seconds", _LAMBDA + "dg/scaling-behavior.html")
"""How many environments one function may add in that time."""

# API Gateway
_EXECUTION = _API + "api-gateway-execution-service-limits-table.html"
API_PAYLOAD = Fact(10, "MB", _EXECUTION)
API_INTEGRATION_TIMEOUT = Fact(29, "seconds", _EXECUTION)
"""How long an integration may take unless it says less; a Regional API may be given more on request."""
API_METHODS = Fact(
    ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"),
    "",
    _API + "how-to-method-settings.html",
)
"""What ANY stands for."""
API_RATE = Fact(10_000, "requests a second", _API_LIMITS)
"""What an account may send through all its APIs in a region, unless it is new or has asked for more."""
API_BURST = Fact(5_000, "requests", _API_LIMITS)
"""How many requests may come at once: the bucket that the rate refills."""
API_RATE_ELSEWHERE = Fact(2_500, "requests a second", _API + "limits.html")
"""The rate in `API_ELSEWHERE`."""
API_BURST_ELSEWHERE = Fact(1_250, "requests", _API + "limits.html")
API_ELSEWHERE = Fact(
    (
        *("af-south-1", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-7"),
        *("ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2", "il-central-1", "me-central-1"),
        "mx-central-1",
    ),
    "",
    _API + "limits.html",
)
"""The regions whose API Gateway takes a quarter of that."""


def api_quotas(region: str) -> tuple[int, int]:
    """Requests a second, and at once, that API Gateway takes from an account in a region."""
    if region in API_ELSEWHERE.value:
        return API_RATE_ELSEWHERE.value, API_BURST_ELSEWHERE.value
    return API_RATE.value, API_BURST.value


# DynamoDB
DYNAMODB_ITEM_BYTES = Fact(400 * 1024, "bytes", _DYNAMODB + "Constraints.html")
"""The largest item, its attribute names counted."""
DYNAMODB_WRITE_UNIT_BYTES = Fact(1024, "bytes", _DYNAMODB + "Constraints.html")
"""One write unit for each started unit of this size, whether the condition holds or not."""

# CloudWatch Logs
LOGS_RETENTION_DAYS = Fact(
    (
        *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
        *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
    ),
    "days",
    "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html",
)
"""For how many days a log group may keep its lines; no other numbers are taken."""
DYNAMODB_NEW_TABLE_WRITES = Fact(4_000, "write units a second", _DYNAMODB + "on-demand-capacity-mode.html")
"""What an on-demand table takes at once when it is new; later twice its earlier peak."""

# IAM and CloudWatch Logs
LOGS_FILTER_CALLS_PER_SECOND = Fact(
    5, "requests", "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"
)
"""FilterLogEvents of one account in one region; some regions allow more."""
