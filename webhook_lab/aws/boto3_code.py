"""Recorded calls as boto3 code that makes them again: plain, runnable, and in step when one value changes.

Each call is printed on one line; Python's own parser says which names it uses, and where it may be broken.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count
from typing import Any

from webhook_lab.aws.boto3_values import (
    LOOKS_UP,
    Unprintable,
    Values,
    leaves,
    own_key,
    quoted,
)
from webhook_lab.aws.calls import Call

WIDTH = 100
"""Columns of the printed code."""

_NOUNS = {
    "create_event_source_mapping": "mapping",
    "create_rest_api": "api",
    "get_queue_url": "queue",
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
LONG_TEXT = 200
"""Characters of a text that gets a variable if it is sent again."""
_IMPORTS = {name: f"import {name}\n" for name in ("datetime", "io", "json", "os", "zipfile")}
_IMPORTS["Path"] = "from pathlib import Path\n"
_HOME = {
    "account": 'account = boto3.client("sts").get_caller_identity()["Account"]\n',
    "region": "region = boto3.Session().region_name\n",
}
_ZIP_FOLDER = '''

def zip_folders(*folders):
    """Folders' Python files, as the project's folders have them; equal files give an equal zip."""
    zipped = io.BytesIO()
    paths = {path.name: path for folder in folders for path in Path(folder).glob("*.py")}
    with zipfile.ZipFile(zipped, "w") as archive:
        for _, path in sorted(paths.items()):
            entry = zipfile.ZipInfo(path.name)  # dated 1980
            entry.create_system, entry.external_attr = 3, 0o100644 << 16  # a file on Unix
            archive.writestr(entry, path.read_bytes().replace(b"\\r\\n", b"\\n"))
    return zipped.getvalue()

'''
_NEW_ROLE = (
    "# On AWS a new role cannot be assumed for some seconds: if this is refused, make the call again.\n"
)


def render(
    calls: Sequence[Call],
    *,
    zip_sources: Mapping[str, Sequence[str]],
    secrets: Mapping[str, str],
    region: str | None = None,
) -> str:
    """Runnable boto3 source that makes these calls again.

    Left out: calls that failed, and look-ups whose answers no later call needed.

    Args:
        zip_sources: the folders that a zip is made of, by the SHA-256 (hex) of its bytes.
        secrets: the environment variable to read in place of a value that must not be printed, by that value.
        region: where the clients go, if boto3 would not go there by itself.
    """
    made = [call for call in calls if call.error is None and call.operation != "GetCallerIdentity"]

    def expressions(constants: Mapping[str, str], variables: Mapping[int, str]) -> list[str]:
        return _expressions(made, Values(made, secrets, zip_sources, constants, variables))

    # Once with a variable for all that may need one, to see what needs what; then with those that do.
    candidates = _names(made)
    answers = {index: f"answer_{index}" for index in range(len(made))}
    trial = {name: f"name_{n}" for n, name in enumerate(candidates)}
    uses = [_names_in(expression) for expression in expressions(trial, answers)]
    kept = _kept(made, uses)
    if not kept:
        return "# No call changed anything.\n"
    times = Counter(use for index in kept for use in uses[index])
    clients = {_client(made[index]): made[index].service for index in kept}
    taken = {*_IMPORTS, *_HOME, *clients, "boto3", "zip_folders"}
    constants = _unique({n: v for n, v in candidates.items() if times[trial[n]] > 1}, taken)
    named = [
        i for i in kept if made[i].response and (times[answers[i]] or made[i].operation.startswith("Create"))
    ]
    variables = _unique({i: _label(made[i]) for i in named}, {*taken, *constants.values()})
    roles = {answers[i] for i in named if made[i].operation == "CreateRole"}

    final, body = expressions(constants, answers | variables), _definitions(constants, secrets)
    for before, index in zip([None, *kept], kept, strict=False):
        call = made[index]
        if before is None or made[before].service != call.service or call.operation.startswith("Create"):
            body += "\n" if body else ""
        if call.operation == "CreateFunction" and roles & uses[index]:
            body += _NEW_ROLE
        start = f"{variables[index]} = " if index in variables else ""
        body += start + _laid_out(final[index], around=len(start)) + "\n"
    return _preamble(_names_in(body), clients, region) + "\n" + body


def _preamble(uses: set[str], clients: Mapping[str, str], region: str | None) -> str:
    """What the code that uses these names begins with: imports, clients, and where it runs."""
    boto3 = "import boto3\n"
    if "zip_folders" in uses:
        boto3, uses = boto3 + _ZIP_FOLDER, uses | {"io", "zipfile", "Path"}
    imports = "".join(line for use, line in _IMPORTS.items() if use in uses)
    there = f", region_name={quoted(region)}" if region else ""
    opened = "".join(
        f"{client} = boto3.client({quoted(service)}{there})\n" for client, service in clients.items()
    )
    home = {**_HOME, "region": f"region = {quoted(region)}\n"} if region else _HOME
    opened += "".join(line.replace('"sts"', f'"sts"{there}') for use, line in home.items() if use in uses)
    return "\n".join(part for part in (imports, boto3, opened) if part)


def _expressions(made: Sequence[Call], values: Values) -> list[str]:
    """Each call as an expression on one line, or as a comment on why it cannot be one."""
    found = list[str]()
    for index, call in enumerate(made):
        how = f"get_waiter({quoted(call.method)}).wait" if call.kind == "wait" else call.method
        try:
            items = (f"{key}={values.expression(value, key)}" for key, value in call.params.items())
            found.append(f"{_client(call)}.{how}({', '.join(items)})")
        except Unprintable as reason:
            found.append(f"# {_client(call)}.{how}() is left out: it sent {reason} that no file here holds.")
        values.learn(index, call)
    return found


def _kept(made: Sequence[Call], uses: Sequence[set[str]]) -> list[int]:
    """The calls to print, in order: what changes something, and what that needs."""
    kept, needed = list[int](), set[str]()
    for index in reversed(range(len(made))):
        if f"answer_{index}" in needed or not made[index].operation.startswith(LOOKS_UP):
            kept.append(index)
            needed |= uses[index]
    return kept[::-1]


def _names_in(code: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}


def _laid_out(code: str, indent: int = 0, around: int = 0) -> str:
    """On one line where it fits beside `around` other columns, else one item of its brackets a line."""
    if around + len(code) <= WIDTH or not (items := _items(code)):
        return code
    raw, pad = code.encode(), " " * (indent + 4)  # the parser counts bytes
    comma = "" if items[0][0] is items[0][1] and raw[: items[0][0].col_offset].endswith(b"(") else ","
    lines = [raw[: items[0][0].col_offset].decode()]
    for item, value in items:
        prefix = pad + raw[item.col_offset : value.col_offset].decode()
        shown = raw[value.col_offset : value.end_col_offset].decode()
        lines.append(prefix + _laid_out(shown, indent + 4, len(prefix + comma)) + comma)
    return "\n".join([*lines, " " * indent + raw[items[-1][1].end_col_offset :].decode()])


def _items(code: str) -> list[tuple[ast.expr | ast.keyword, ast.expr]]:
    """What stands in the brackets of an expression: where each item begins, and its value."""
    body = ast.parse(code).body
    node = body[0].value if body and isinstance(body[0], ast.Expr) else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "encode":
        node = node.func.value
    match node:
        case ast.Dict():
            return [(key, value) for key, value in zip(node.keys, node.values, strict=True) if key]
        case ast.List(elts=items) | ast.Call(args=[ast.Dict() | ast.List()] as items):
            return [(item, item) for item in items]
        case ast.Call():
            return [(keyword, keyword.value) for keyword in node.keywords]
    return []


def _names(made: Sequence[Call]) -> dict[str, str]:
    """What gets a variable if used again: names that several things bear or no answer repeats, long texts."""
    created = [(call, str(call.params[key])) for call in made if (key := own_key(call))]
    names, found = [name for _, name in created], dict[str, str]()
    for call, name in created:
        shared = names.count(name) > 1 or any(other.endswith(f"/{name}") for other in names)
        answered = any(name == text for _, text in leaves(call.response or {}))
        if re.search(r"[-_/]", name) and (shared or not answered):
            found[name] = f"{_tail(name) if shared else _label(call)}_name"
    for path, text in (leaf for call in made for leaf in leaves(call.params)):
        if len(text) > LONG_TEXT and not text.startswith(("{", "[")):
            found.setdefault(text, re.sub(r"(?<!^)([A-Z])", r"_\1", str(path[0])).lower())
    return found


def _definitions(constants: Mapping[str, str], secrets: Mapping[str, str]) -> str:
    """The lines that define the names, each from the shorter ones that it holds."""
    lines = ""
    for name in sorted(constants, key=len):
        others = {other: variable for other, variable in constants.items() if other != name}
        lines += f"{constants[name]} = {Values([], secrets, {}, others, {}).expression(name)}\n"
    return lines


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
