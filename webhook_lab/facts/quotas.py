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
_LIMITS = _LAMBDA + "dg/gettingstarted-limits.html"
_CONCURRENCY = _LAMBDA + "dg/configuration-concurrency.html"
_WITH_QUEUE = _LAMBDA + "dg/services-sqs-configure.html"
_SCALING = _LAMBDA + "dg/services-sqs-scaling.html"
_RUNTIMES = _LAMBDA + "dg/lambda-runtimes.html"
_MAPPING = _LAMBDA + "api/API_CreateEventSourceMapping.html"
_API_LIMITS = _API + "limits.html"

# SQS: messages
SQS_MESSAGE_BYTES = Fact(1_048_576, "bytes", _MESSAGES)
"""The largest message, its attributes counted; also a new queue's own limit."""
SQS_BATCH_ENTRIES = Fact(10, "messages", _MESSAGES)
"""The most messages in one SendMessageBatch, ReceiveMessage or DeleteMessageBatch."""
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
SQS_METRICS_EVERY = Fact(60, "seconds", _METRICS)
"""How often SQS gives CloudWatch its metrics."""
SQS_FIFO_DEDUPLICATION = Fact(
    300, "seconds", _SQS + "SQSDeveloperGuide/FIFO-queues-exactly-once-processing.html"
)
"""How long a FIFO queue remembers a deduplication id: shorter than any sender's retries."""

# Lambda: functions and accounts
LAMBDA_TIMEOUT_LONGEST = Fact(900, "seconds", _LIMITS)
LAMBDA_PAYLOAD = Fact(6, "MB", _LIMITS)
"""The largest request or response of a synchronous invocation."""
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
MAPPING_GROWS_BY = Fact(300, "invocations a minute", _SCALING)
MAPPING_ENDS_WITH = Fact(1_250, "invocations", _SCALING)
MAPPING_BATCH_LARGEST = Fact(10_000, "messages", _MAPPING)
MAPPING_BATCH_WITHOUT_WINDOW = Fact(10, "messages", _MAPPING)
"""The largest batch that needs no batching window; beyond it the window is at least a second."""
VISIBILITY_PER_TIMEOUT = Fact(6, "times the function's timeout", _WITH_QUEUE)
"""What AWS advises as the least visibility timeout of a queue that feeds a function."""
MAX_RECEIVE_COUNT_ADVISED = Fact(5, "receives", _WITH_QUEUE)
"""What AWS advises as the least maxReceiveCount, so that throttling sends no good message to the DLQ."""

# API Gateway
API_PAYLOAD = Fact(10, "MB", _API + "api-gateway-execution-service-limits-table.html")

# DynamoDB
DYNAMODB_ITEM_BYTES = Fact(400 * 1024, "bytes", _DYNAMODB + "Constraints.html")
"""The largest item, its attribute names counted."""
DYNAMODB_WRITE_UNIT_BYTES = Fact(1024, "bytes", _DYNAMODB + "Constraints.html")
"""One write unit for each started unit of this size, whether the condition holds or not."""

# IAM and CloudWatch Logs
LOGS_FILTER_CALLS_PER_SECOND = Fact(
    5, "requests", "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"
)
"""FilterLogEvents of one account in one region; some regions allow more."""
