"""A function that fails is told of as Lambda does: in its log, and to whoever invokes it."""

import itertools
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from tests.cloud.functions import client, run_a_function
from tests.cloud.pipe import zip_of
from webhook_lab.local_cloud import Cloud
from webhook_lab.watch.history import History
from webhook_lab.watch.log_lines import LogReader, read_lines

RUNS = "def handler(event, context):\n    "


class Failed(NamedTuple):
    payload: dict[str, Any]
    log: list[str]

    @property
    def report(self) -> str:
        return self.log[-1]


Fail = Callable[..., Failed]


@pytest.fixture(scope="module")
def fail(cloud: Cloud) -> Iterator[Fail]:
    """Create a function of this source, invoke it (again), and read its log."""
    iam, logs, functions = (client(cloud, name) for name in ("iam", "logs", "lambda"))
    run_a_function(cloud)
    role = iam.get_role(RoleName="f")["Role"]["Arn"]
    names, made = itertools.count(), ["f"]

    def failed(source: str, *, handler: str = "app.handler", timeout: int = 20, times: int = 1) -> Failed:
        name = f"fails-{next(names)}"
        logs.create_log_group(logGroupName=f"/aws/lambda/{name}")
        functions.create_function(
            FunctionName=name, Runtime="python3.13", Role=role, Handler=handler, Timeout=timeout,
            Code={"ZipFile": zip_of(source)},
        )  # fmt: skip
        made.append(name)
        for _ in range(times):
            answer = functions.invoke(FunctionName=name, Payload=b"{}")
            assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
        events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        return Failed(json.loads(answer["Payload"].read()), [event["message"] for event in events])

    yield failed
    for name in made:
        functions.delete_function(FunctionName=name)
    for group in logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/f")["logGroups"]:
        logs.delete_log_group(logGroupName=group["logGroupName"])
    iam.delete_role_policy(RoleName="f", PolicyName="f")
    iam.delete_role(RoleName="f")


CANNOT_BEGIN = {
    "a missing module": ("import nope", "Runtime.ImportModuleError",
        "Unable to import module 'app': No module named 'nope'", ""),
    "a missing name": ("from json import nope", "Runtime.ImportModuleError",
        "Unable to import module 'app': cannot import name 'nope' from 'json'", ""),
    "a syntax error": ("def handler(:", "Runtime.UserCodeSyntaxError",
        "Syntax error in module 'app': invalid syntax (app.py, line 1)", 'File "/var/task/app.py" Line 1'),
    "no handler": ("x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'", ""),
    "a missing setting": ("import os\nos.environ['QUEUE_URL']", "KeyError", "'QUEUE_URL'",
        'File "/var/task/app.py", line 2, in <module>'),
    "a check of its own": ("raise RuntimeError('no secret')", "RuntimeError", "no secret",
        'File "/var/task/app.py", line 1, in <module>'),
}  # fmt: skip


@pytest.mark.parametrize("name", CANNOT_BEGIN)
def test_a_function_that_cannot_begin_says_why(fail: Fail, name: str) -> None:
    source, kind, message, where = CANNOT_BEGIN[name]
    payload, log = fail(source, times=2)
    assert payload["errorType"] == kind
    assert payload["errorMessage"].startswith(message)
    assert len(payload["requestId"]) == 36
    assert len(log) == 2 * 5, "it is imported again for each invocation"
    error, init, start, end, report = log[5:]
    first, second, *trace = error.split("\n")
    assert first.startswith(f"[ERROR] {kind}: {message}")
    assert second == "Traceback (most recent call last):"
    assert where in "".join(trace)
    status = f"\tStatus: error\tError Type: {kind}"
    assert re.fullmatch(rf"INIT_REPORT Init Duration: [\d.]+ ms\tPhase: invoke{status}", init)
    assert start == f"START RequestId: {payload['requestId']} Version: $LATEST"
    assert end == f"END RequestId: {payload['requestId']}"
    assert report.startswith(f"REPORT RequestId: {payload['requestId']}\tDuration: ")
    assert report.endswith(status)


def test_what_is_printed_at_import_stands_before_the_error(fail: Fail) -> None:
    _, log = fail("for line in range(200): print(line)\nimport nope")
    assert log[:200] == [str(line) for line in range(200)]
    assert log[200].startswith("[ERROR] Runtime.ImportModuleError: ")


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        ("handler", "MalformedHandlerName"),
        ("sys.handler", "BuiltInModuleConflict"),
        ("a.b", "ImportModuleError"),
    ],
)
def test_a_handler_that_names_nothing_is_said(fail: Fail, handler: str, kind: str) -> None:
    failed = fail(f"{RUNS}return {{}}", handler=handler)
    assert failed.payload["errorType"] == f"Runtime.{kind}"
    assert failed.log[0].startswith(f"[ERROR] Runtime.{kind}: ")


def test_what_a_handler_raises_is_told_as_lambda_does(fail: Fail) -> None:
    payload, log = fail(f"{RUNS}print('began')\n    raise ValueError('no\\nmore')")
    line = "  File \"/var/task/app.py\", line 3, in handler\n    raise ValueError('no\\nmore')\n"
    assert payload == {
        "errorMessage": "no\nmore",
        "errorType": "ValueError",
        "requestId": payload["requestId"],
        "stackTrace": [line],
    }
    start, began, error, end, report = log
    assert (start[:5], began, end[:3]) == ("START", "began", "END")
    assert error == f"[ERROR] ValueError: no\nmore\nTraceback (most recent call last):\n{line}".rstrip("\n")
    assert "Status" not in report


def test_what_is_no_json_is_a_marshal_error(fail: Fail) -> None:
    payload, log = fail(f"{RUNS}return {{1, 2}}")
    said = "Unable to marshal response: Object of type set is not JSON serializable"
    assert (payload["errorType"], payload["errorMessage"]) == ("Runtime.MarshalError", said)
    assert log[1].startswith(f"[ERROR] Runtime.MarshalError: {said}")


ENDS = {
    "sys.exit(3)": "Runtime exited with error: exit status 3",
    "sys.exit()": "Runtime exited without providing a reason",
    "sys.exit('by itself')": "Runtime exited with error: exit status 1",
    "os._exit(4)": "Runtime exited with error: exit status 4",
    "os.kill(os.getpid(), 9)": "Runtime exited with error: signal: killed",
}


@pytest.mark.parametrize("where", ["in the handler", "at import"])
@pytest.mark.parametrize("how", ENDS)
def test_a_process_that_ends_is_told_as_lambda_does(fail: Fail, how: str, where: str) -> None:
    code = f"import os, sys\n{RUNS}" if where == "in the handler" else "import os, sys\n"
    payload, log = failed = fail(code + f"print('its last words', flush=True); {how}")
    said = payload["errorMessage"]
    request_id = said.split()[1]
    assert payload == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {request_id} Error: {ENDS[how]}",
    }
    assert log.count(f"{said}\nRuntime.ExitError") == 1
    assert log.index(f"{said}\nRuntime.ExitError") == len(log) - 3
    assert failed.report.endswith("\tStatus: error\tError Type: Runtime.ExitError")
    assert ("by itself" in log) == ("by itself" in how)
    if where == "in the handler":
        assert log[:2] == [f"START RequestId: {request_id} Version: $LATEST", "its last words"]
    elif how.startswith("sys"):
        assert log[0] == "its last words"


def test_a_timeout_is_told_as_lambda_does(fail: Fail) -> None:
    payload, log = failed = fail(f"import time\n{RUNS}print('began')\n    time.sleep(60)", timeout=1)
    said = "Task timed out after 1.00 seconds"
    request_id = payload["errorMessage"].split()[1]
    assert payload == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {request_id} Error: {said}",
    }
    assert re.fullmatch(rf"[-\d]+T[:.\d]+Z {request_id} {said}", log[2])
    assert failed.report.endswith("\tStatus: timeout")


def test_a_function_that_failed_begins_anew(fail: Fail) -> None:
    source = f"import os\nprint('importing')\n{RUNS}os._exit(1)"
    assert fail(source, times=3).log.count("importing") == 3


def test_who_reads_log_lines_hears_of_it(cloud: Cloud, fail: Fail) -> None:
    since = round(time.time() * 1000)
    request_id = fail("import nope").payload["requestId"]
    logs = client(cloud, "logs")
    groups = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/fails-")["logGroups"]
    last = max((each["logGroupName"] for each in groups), key=lambda name: int(name.rpartition("-")[2]))
    told = [(line["event"], line["error"]) for line in read_lines(logs, log_group=last)]
    said = "Runtime.ImportModuleError: Unable to import module 'app': No module named 'nope'"
    assert told == [("error", said)]
    lines = LogReader(logs, log_group=last, since=since, overlap=1).read()
    assert History().add(lines).failed == {"Runtime.ImportModuleError": 1}
    assert {line["request_id"] for line in lines} == {"", request_id}
