"""What has to hold before a pipeline carries what matters: a checklist, and the chapter that shows each line.

`webhook_lab.pipeline.checklist` checks each line in a template, by its key.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One line of the checklist.

    Args:
        says: what has to hold, as a sentence without its full stop.
        chapter: the number of the chapter that showed it.
        looks_at: what of the template is looked at, in CloudFormation's words.
    """

    says: str
    chapter: str
    looks_at: str


CHECKLIST = {
    "expiry": Line("Items expire by themselves", "02", "TimeToLiveSpecification of the table"),
    "last_resort": Line(
        "Dead letters are kept longer than messages", "03", "MessageRetentionPeriod of both queues"
    ),
    "hidden": Line(
        "SQS hides a batch for six times the function's timeout", "03", "VisibilityTimeout, Timeout"
    ),
    "privilege": Line("Each role may do its own actions on its own resources", "04", "Policies of the roles"),
    "logs": Line("Log lines expire, and no role makes a log group", "04", "RetentionInDays, Policies"),
    "front_door": Line("This API alone may call the function", "06", "SourceArn of the permission"),
    "bytes": Line("Bodies pass byte for byte", "06", "BinaryMediaTypes of the API"),
    "secret": Line("No secret is written down", "06", "NoEcho of the parameter, Environment"),
    "five_receives": Line("A message is tried five times, then kept", "09", "RedrivePolicy of the queue"),
    "partial": Line("One bad message does not drag nine along", "09", "FunctionResponseTypes of the mapping"),
    "throttle": Line("The mapping never reads more than may run", "10", "ScalingConfig, reservation"),
    "alarms": Line("Someone is called: age, dead letters, throttles, 4xx, 5xx, errors", "14", "Alarms"),
    "dashboard": Line("The course's charts hang on the wall", "14", "DashboardBody"),
    "tracing": Line("The tracing header is passed on", "14", "Tracing of the functions"),
    "protection": Line("What was stored is not deleted by mistake", "14", "DeletionProtectionEnabled"),
}
"""Every line, by the key of its check."""
