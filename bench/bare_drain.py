"""The same drain with boto3 alone: queue, table, function and mapping, on what AWS_ENDPOINT_URL says.

Usage: python bare_drain.py CONCURRENCY BATCH_SIZE MESSAGES WORK_SECONDS
Prints one JSON list: [request id, started at, finished at] of each item, in epoch milliseconds.
"""

import io
import json
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import boto3

HANDLER = """
import os, time
import boto3

table = boto3.resource("dynamodb").Table("bare")

def handler(event, context):
    for record in event["Records"]:
        started_at = int(time.time() * 1000)
        time.sleep(float(os.environ["WORK_SECONDS"]))
        item = {"id": record["messageId"], "request_id": context.aws_request_id, "started_at": started_at}
        table.put_item(Item={**item, "finished_at": int(time.time() * 1000)})
        print(record["messageId"], flush=True)
"""
CONCURRENCY, BATCH_SIZE, MESSAGES, WORK_SECONDS = (*map(int, sys.argv[1:4]), sys.argv[4])
sqs, dynamodb, lambda_ = boto3.client("sqs"), boto3.resource("dynamodb"), boto3.client("lambda")

table = dynamodb.create_table(
    TableName="bare",
    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    BillingMode="PAY_PER_REQUEST",
)
queue = sqs.create_queue(QueueName="bare", Attributes={"VisibilityTimeout": "180"})["QueueUrl"]
arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
code = io.BytesIO()
with zipfile.ZipFile(code, "w") as archive:
    archive.writestr("app.py", HANDLER)
lambda_.create_function(
    FunctionName="bare",
    Runtime="python3.13",
    Role="arn:aws:iam::000000000000:role/bare",
    Handler="app.handler",
    Code={"ZipFile": code.getvalue()},
    Timeout=30,
    Environment={"Variables": {"WORK_SECONDS": WORK_SECONDS}},
)
lambda_.get_waiter("function_active_v2").wait(FunctionName="bare", WaiterConfig={"Delay": 0.2})
lambda_.put_function_concurrency(FunctionName="bare", ReservedConcurrentExecutions=CONCURRENCY)
mapping = lambda_.create_event_source_mapping(
    FunctionName="bare",
    EventSourceArn=arn,
    BatchSize=BATCH_SIZE,
    ScalingConfig={"MaximumConcurrency": CONCURRENCY},
    Enabled=False,
)


def warm_up(_: int) -> None:
    lambda_.invoke(FunctionName="bare", Payload=json.dumps({"Records": []}).encode())["Payload"].read()


with ThreadPoolExecutor(CONCURRENCY) as at_once:
    list(at_once.map(warm_up, range(CONCURRENCY)))
for first in range(0, MESSAGES, 10):
    entries = [{"Id": str(n), "MessageBody": "{}"} for n in range(first, min(first + 10, MESSAGES))]
    sqs.send_message_batch(QueueUrl=queue, Entries=entries)
lambda_.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
while any(
    int(n) for n in sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=counts)["Attributes"].values()
):
    time.sleep(0.5)
items = []
for page in dynamodb.meta.client.get_paginator("scan").paginate(TableName="bare"):
    items += [
        [item["request_id"], int(item["started_at"]), int(item["finished_at"])] for item in page["Items"]
    ]
print(json.dumps(items))
