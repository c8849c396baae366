"""Recorded calls as boto3 code that makes them again: plain, runnable, and in step when one value changes."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count
from typing import Any

from webhook_lab.aws.boto3_values import (
    LOOKS_UP,
    Unprintable,
    Values,
    ZipSource,
    leaves,
    own_key,
)
from webhook_lab.aws.calls import Call
from webhook_lab.aws.python_text import Group, quoted

__all__ = ["ZipSource", "render"]

Uses = set[int | str]
"""What an expression needs: calls by their index, and everything else by its variable or module."""

_NOUNS = {
    "create_event_source_mapping": "mapping",
    "create_rest_api": "api",
    "get_queue_url": "queue",
    "invoke": "answer",
    "receive_message": "received",
}
_SUBJECTS = (
    "FunctionName",
    "RoleName",
    "logGroupName",
    "logGroupNamePrefix",
    "QueueUrl",
    "QueueName",
    "pathPart",
)
_IMPORTS = {
    "datetime": "import datetime\n",
    "io": "import io\n",
    "json": "import json\n",
    "os": "import os\n",
    "zipfile": "import zipfile\n",
    "Path": "from pathlib import Path\n",
}
_HOME = {
    "account": 'account = boto3.client("sts").get_caller_identity()["Account"]\n',
    "region": "region = boto3.Session().region_name\n",
}
_ZIP_FOLDER = '''

def zip_folder(folder):
    """A folder's Python files, as the project's folder has them; equal files give an equal zip."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        for path in sorted(path for path in Path(folder).iterdir() if path.suffix == ".py"):
            entry = zipfile.ZipInfo(path.name)  # dated 1980
            entry.create_system, entry.external_attr = 3, 0o100644 << 16  # a file on Unix
            archive.writestr(entry, path.read_bytes().replace(b"\\r\\n", b"\\n"))
    return zipped.getvalue()

'''
_NEW_ROLE = (
    "# On AWS a new role cannot be assumed for some seconds: if this is refused, make the call again.\n"
)


def render(calls: Sequence[Call], *, zip_sources: Mapping[str, ZipSource], secrets: Mapping[str, str]) -> str:
    """Runnable boto3 source that makes these calls again.

    Left out: calls that failed, and look-ups whose answers no later call needed.

    Args:
        zip_sources: the folder that a zip is made of, by the SHA-256 (hex) of its bytes.
        secrets: the environment variable to read in place of a value that must not be printed, by that value.
    """
    made = [call for call in calls if call.error is None and call.operation != "GetCallerIdentity"]
    # Once with every name that may need a variable, to see what needs what; then with those that do.
    candidates, shared = _names(made)
    trial = _expressions(
        made, Values(made, secrets, zip_sources, {name: "=" + name for name in candidates}, {})
    )
    kept, needed = _kept(made, [uses for _, uses in trial])
    if not kept:
        return "# No call changed anything.\n"
    times = Counter(use for index in kept for use in trial[index][1])
    clients = {_client(made[index]): made[index].service for index in kept}
    taken = {*_IMPORTS, *_HOME, *clients, "boto3", "zip_folder"}
    constants = _unique({n: v for n, v in candidates.items() if n in shared or times["=" + n] > 1}, taken)
    answers = [
        i for i in kept if made[i].response and (i in needed or made[i].operation.startswith("Create"))
    ]
    variables = _unique({i: _label(made[i]) for i in answers}, taken | set(constants.values()))
    final = _expressions(made, Values(made, secrets, zip_sources, constants, variables))

    named, uses = _definitions(constants, secrets)
    body = ""
    for before, index in zip([None, *kept], kept, strict=False):
        call, (node, used) = made[index], final[index]
        uses |= used
        if before is None or made[before].service != call.service or call.operation.startswith("Create"):
            body += "\n"
        if call.operation == "CreateFunction" and any(
            i in used for i in answers if made[i].operation == "CreateRole"
        ):
            body += _NEW_ROLE
        start = f"{variables[index]} = " if index in variables else ""
        body += start + (node.laid_out(around=len(start)) if isinstance(node, Group) else node) + "\n"

    uses |= {"io", "zipfile", "Path"} if "zip_folder" in uses else set()
    imports = "".join(line for use, line in _IMPORTS.items() if use in uses)
    boto3 = "import boto3\n" + (_ZIP_FOLDER if "zip_folder" in uses else "")
    opened = "".join(f"{client} = boto3.client({quoted(service)})\n" for client, service in clients.items())
    opened += "".join(line for use, line in _HOME.items() if use in uses)
    return "\n".join(part for part in (imports, boto3, opened, named) if part) + body


def _expressions(made: Sequence[Call], values: Values) -> list[tuple[Group | str, Uses]]:
    """Each call as an expression, or as a comment on why it cannot be one; and what it uses."""
    found = list[tuple[Group | str, Uses]]()
    for index, call in enumerate(made):
        values.uses = set()
        how = f"get_waiter({quoted(call.method)}).wait" if call.kind == "wait" else call.method
        own = own_key(call)
        try:
            items = [
                (f"{k}=", values.own(v) if k == own else values.node(v, k)) for k, v in call.params.items()
            ]
            found.append((Group(f"{_client(call)}.{how}(", items, ")"), values.uses))
        except Unprintable as reason:
            found.append(
                (f"# {_client(call)}.{how}() is left out: it sent {reason} that no file here holds.", set())
            )
        values.learn(index, call)
    return found


def _kept(made: Sequence[Call], uses: Sequence[Uses]) -> tuple[list[int], Uses]:
    """The calls to print, in order: what changes something, and what that needs; and everything needed."""
    kept, needed = list[int](), Uses()
    for index in reversed(range(len(made))):
        if index in needed or not made[index].operation.startswith(LOOKS_UP):
            kept.append(index)
            needed |= uses[index]
    return kept[::-1], needed


def _names(made: Sequence[Call]) -> tuple[dict[str, str], set[str]]:
    """The names that may need a variable, with one for each; and those that do, as several things bear them.

    A name may need one where no answer repeats it; it does where another name is the same, or holds it.
    """
    created = [(call, str(call.params[key])) for call in made if (key := own_key(call))]
    names = [name for _, name in created if re.search(r"[-_/]", name)]
    shared = {
        a for a in names if names.count(a) > 1 or any(re.search(rf"[/:]{re.escape(a)}$", b) for b in names)
    }
    candidates = dict[str, str]()
    for call, name in created:
        if name in shared:
            candidates[name] = f"{_tail(name)}_name"
        elif name in names and name not in (text for _, text in leaves(call.response or {})):
            candidates[name] = f"{_label(call)}_name"
    return candidates, shared


def _definitions(constants: Mapping[str, str], secrets: Mapping[str, str]) -> tuple[str, Uses]:
    """The lines that define the names, each from the shorter ones that it holds."""
    lines, uses = "", Uses()
    for name in sorted(constants, key=len):
        rest = Values(
            [], secrets, {}, {other: value for other, value in constants.items() if other != name}, {}
        )
        lines += f"{constants[name]} = {rest.own(name)}\n"
        uses |= rest.uses
    return lines, uses


def _label(call: Call) -> str:
    """What to call the answer to `call`, such as ``dlq_attributes`` or ``publish_role``."""
    noun = _NOUNS.get(call.method) or call.method.split("_", 1)[-1]
    subject = next((str(call.params[key]) for key in _SUBJECTS if key in call.params), "")
    if "queue" in noun and subject.endswith("dlq"):
        return noun.replace("queue", "dlq")
    if subject and noun.startswith(("role", "function", "log_group", "resource")):
        return f"{_tail(subject)}_{noun}"
    return noun


def _tail(name: str) -> str:
    """The last word of a name, as it may stand in a variable."""
    return next(reversed(re.findall(r"[a-z][a-z0-9]*", name.lower())), "the")


def _client(call: Call) -> str:
    return "lambda_" if call.service == "lambda" else call.service.replace("-", "_")


def _unique(wanted: Mapping[Any, str], taken: Iterable[str]) -> dict[Any, str]:
    """Each variable as wanted, or with the first number behind it that nothing else has."""
    seen, found = set(taken), dict[Any, str]()
    for key, name in wanted.items():
        tries = chain([name], (f"{name}_{number}" for number in count(2)))
        found[key] = next(one for one in tries if one not in seen)
        seen.add(found[key])
    return found
