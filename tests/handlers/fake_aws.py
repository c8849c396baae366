"""The parts of SQS and DynamoDB that the handlers use, answering real boto3 clients at the wire.

boto3 checks and spells the request, this answers it and refuses what AWS would refuse: characters, sizes,
conditions. It imports nothing but botocore, so that it also runs where nothing else is installed.
"""

import hashlib
import io
import json
import re
import uuid
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSResponse

REFUSED = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
SQS_LIMIT, ITEM_LIMIT, KEY_LIMIT = 1_048_576, 409_600, 2_048


class Refused(Exception):
    def __init__(self, code, message="", **more):
        super().__init__(code, message)
        self.code, self.message, self.more = code, message or f"{code} by the fake", more


class FakeAWS:
    """`messages`: bodies in the queue, by message id. `items`: the table, in DynamoDB's spelling, by id.

    Put an error code under the name of an operation in `refuse` and it is what that operation answers. An id
    in `expiring` loses its item as soon as a put of it was refused. `objects`: what lies in buckets, by
    bucket and key. `dies`: ("before" or "after", an operation), at which the process is killed.
    """

    def __init__(self):
        self.session = boto3.Session("AKIAFAKE", "fake", region_name="us-east-1")
        self.session.events.register("before-send", self._answer)
        self.clear()

    def clear(self):
        self.messages, self.items, self.refuse, self.operations = {}, {}, {}, []
        self.expiring, self.objects, self.dies = set(), {}, None

    def _answer(self, request, **_):
        if "X-Amz-Target" not in request.headers:
            return self._dying(f"{request.method.title()}Object", self._s3, request)
        return self._dying(request.headers["X-Amz-Target"].decode().rpartition(".")[2], self._json, request)

    def _dying(self, operation, answer, request):
        if self.dies == ("before", operation):
            raise Killed
        self.operations.append(operation)
        answered = answer(operation, request)
        if self.dies == ("after", operation):
            raise Killed
        return answered

    def _s3(self, operation, request):
        place = urlsplit(request.url)
        bucket, key = place.netloc.partition(".s3.")[0], place.path[1:]
        if operation in self.refuse or (operation == "GetObject" and (bucket, key) not in self.objects):
            code = self.refuse.get(operation, "NoSuchKey")
            refused = f"<Error><Code>{code}</Code><Message>by the fake</Message></Error>"
            return AWSResponse(request.url, 403, {}, Raw(refused.encode()))
        if operation == "PutObject":
            self.objects[bucket, key] = whole(request.body.read())
            return AWSResponse(request.url, 200, {}, Raw(b""))
        content = self.objects[bucket, key]
        return AWSResponse(request.url, 200, {"Content-Length": str(len(content))}, Raw(content))

    def _json(self, operation, request):
        body = request.body.decode() if isinstance(request.body, bytes) else request.body
        try:
            if operation in self.refuse:
                raise Refused(self.refuse[operation])
            status, answer = 200, getattr(self, operation)(**json.loads(body))
        except Refused as refused:
            told = {"__type": f"fake#{refused.code}", "message": refused.message}
            status, answer = 400, {**told, **refused.more}
        return AWSResponse(request.url, status, {}, Raw(json.dumps(answer).encode()))

    def SendMessage(self, QueueUrl, MessageBody):
        if REFUSED.search(MessageBody):
            raise Refused("InvalidMessageContents")
        if len(MessageBody.encode()) > SQS_LIMIT:
            raise Refused("InvalidParameterValue", "too long")
        message_id = str(uuid.uuid4())
        self.messages[message_id] = MessageBody
        return {"MessageId": message_id, "MD5OfMessageBody": hashlib.md5(MessageBody.encode()).hexdigest()}

    def PutItem(self, TableName, Item, ConditionExpression):
        assert ConditionExpression == "attribute_not_exists(id)"
        key = Item["id"]["S"]
        if not 0 < len(key.encode()) <= KEY_LIMIT or item_size(Item) > ITEM_LIMIT:
            raise Refused("ValidationException", "key or item size")
        if key in self.items:
            if key in self.expiring:
                del self.items[key]
                self.expiring.remove(key)
            raise Refused("ConditionalCheckFailedException")
        self.items[key] = Item
        return {}

    def UpdateItem(self, TableName, Key, ConditionExpression, UpdateExpression, ExpressionAttributeValues,
                   ReturnValues, ReturnValuesOnConditionCheckFailure="NONE"):  # fmt: skip
        assert ConditionExpression == "body_sha256 = :digest"
        assert UpdateExpression == "ADD delivered_by :message_ids"
        assert ReturnValues == "UPDATED_OLD"
        item = self.items.get(Key["id"]["S"], {})
        if item.get("body_sha256") != ExpressionAttributeValues[":digest"]:
            wanted = item and ReturnValuesOnConditionCheckFailure == "ALL_OLD"
            raise Refused("ConditionalCheckFailedException", **({"Item": item} if wanted else {}))
        before = list(item["delivered_by"]["SS"])
        after = sorted({*before, *ExpressionAttributeValues[":message_ids"]["SS"]})
        if item_size({**item, "delivered_by": {"SS": after}}) > ITEM_LIMIT:
            raise Refused("ValidationException", "Item size to update has exceeded the maximum allowed size")
        item["delivered_by"] = {"SS": after}
        return {"Attributes": {"delivered_by": {"SS": before}}}


def whole(chunked):
    """The bytes of a body that boto3 sends in chunks, with its checksum behind them."""
    content = b""
    while (size := int(chunked.partition(b"\r\n")[0], 16)) > 0:
        start = chunked.index(b"\r\n") + 2
        content, chunked = content + chunked[start : start + size], chunked[start + size + 2 :]
    return content


class Killed(BaseException):
    """Nothing that ran in the process goes on."""


class Raw(io.BytesIO):
    def __init__(self, content):
        super().__init__(content)
        self.content = content

    def stream(self, *_, **__):
        yield self.content


def item_size(item):
    """Bytes, by "DynamoDB item sizes and formats" of the developer guide."""
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def value_size(value):
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return len(content.strip("0-")) // 2 + 2
        case "BOOL" | "NULL":
            return 1
        case "SS":
            return sum(len(each.encode()) for each in content)
        case "M":
            return 3 + sum(len(name.encode()) + value_size(each) + 1 for name, each in content.items())
    raise AssertionError(f"no handler stores a {kind}")


def plain(item):
    """An item of the table as Python values."""
    spell = {"S": str, "N": int, "BOOL": bool, "SS": sorted, "M": plain}
    return {name: spell[kind](content) for name, value in item.items() for kind, content in value.items()}
