"""A value as the Python that stands for it: what an earlier call returned is that call's variable."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webhook_lab.aws.calls import Call

LOOKS_UP = ("Get", "List", "Describe", "Head", "Filter", "Scan", "Query", "BatchGet")
"""How the names of operations begin that change nothing."""

LITERAL_BYTES = 1_000
"""Bytes that are printed as they are; more than these are not."""

BRACKETS = 100
"""Opening brackets of a JSON text that is printed as a document; with more it is no pleasure to read."""

SHORTEST_ID = 6
"""Characters of an id that is taken for one wherever it stands."""

_IDENTIFIES = re.compile(r"(Arn|ARN|arn|Url|Id|id|UUID|Name|name|Handle)$")
_HOME = ("region", "account")
_ARN = re.compile(r"arn:aws[\w-]*:[\w-]+:([a-z0-9-]+):(\d{12}):")


class Unprintable(Exception):
    """Bytes that are too many to print and that are no known folders' zip."""


@dataclass(frozen=True)
class Source:
    """Where a value first came from: the response of which call, and the keys and indexes that lead to it."""

    call: int
    path: tuple[str | int, ...]
    created: bool

    @property
    def key(self) -> str:
        return _plain(next(str(step) for step in reversed(self.path) if isinstance(step, str)))

    @property
    def is_name(self) -> bool:
        return self.key.endswith("name")


class Values:
    """What is known at one point of the printed code, and how to print a value from it.

    Args:
        calls: all that will be printed, for the region and the account in their ARNs.
        constants: the names that have a variable, with it.
        variables: the calls that have one, with it.
    """

    def __init__(
        self,
        calls: Sequence[Call],
        secrets: Mapping[str, str],
        zips: Mapping[str, Sequence[str]],
        constants: Mapping[str, str],
        variables: Mapping[int, str],
    ) -> None:
        self.secrets = {value: f"os.environ[{quoted(name)}]" for value, name in secrets.items() if value}
        self.zips, self.variables = zips, variables
        texts = (text for call in calls for _, text in leaves([call.response or {}, call.params]))
        homes = Counter(match.groups() for text in texts for match in _ARN.finditer(text))
        self.home = {
            of: name for home, _ in homes.most_common(1) for of, name in zip(home, _HOME, strict=True)
        }
        self.named = {**self.home, **constants, **self.secrets}
        self._sources: dict[str, Source] = {}
        self._words = set(constants)
        self._known: re.Pattern[str] | None = None

    def learn(self, index: int, call: Call) -> None:
        """From here on, what `call` returned is printed as its variable."""
        creates, looks_up = call.operation.startswith("Create"), call.operation.startswith(LOOKS_UP)
        given = {text for _, text in leaves(call.params)} - {call.params.get(own_key(call) or "")}
        for path, value in leaves(call.response or {}):
            source, known = Source(index, path, creates), self._sources.get(value)
            if value in given or not _IDENTIFIES.search(str(path[-1])):
                continue
            # Only a creation says whose a name is; and ids as short as "0" say nothing.
            if not creates if source.is_name else len(value) < SHORTEST_ID:
                continue
            # A place in a list may hold another thing next time.
            if looks_up and any(isinstance(step, int) for step in path):
                continue
            if known is None or (creates and not known.created):
                self._sources[value] = source
                if (creates or looks_up) and not source.is_name:
                    self._words.add(value)
                    self._known = None

    def expression(self, value: Any, key: str = "") -> str:
        """The code for `value`, given as the parameter or the field `key`, on one line.

        Raises:
            Unprintable: for bytes that cannot be shown.
        """
        if isinstance(value, str):
            if self._known is None:
                self._known = self._any_of(self._words, self.home)
            return self._whole(value, key) or self._document(value) or self._mixed(value, self._known)
        if isinstance(value, Mapping):
            pairs = (f"{self.expression(k)}: {self.expression(v, k)}" for k, v in value.items())
            return "{" + ", ".join(pairs) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(self.expression(item, key) for item in value) + "]"
        return self._bytes(value) if isinstance(value, bytes) else repr(value)

    def _whole(self, text: str, key: str = "") -> str | None:
        """The variable whose value `text` is; a name only where `key` says that such a name is meant."""
        if (variable := self.named.get(text)) or (source := self._sources.get(text)) is None:
            return variable
        if source.is_name and not _plain(key).endswith(source.key):
            return None
        steps = (f"[{quoted(step) if isinstance(step, str) else step}]" for step in source.path)
        return self.variables[source.call] + "".join(steps)

    def _mixed(self, text: str, known: re.Pattern[str]) -> str:
        """`text` as a literal, or as an f-string where it holds more than what is known."""
        shown, end = "", 0
        for match in known.finditer(text):
            if match[0] != text and (variable := self._whole(match[0])):
                before, end = text[end : match.start()], match.end()
                shown += escaped(before, '"', "{}") + "{" + variable.replace('"', "'") + "}"
        return f'f"{shown}{escaped(text[end:], chr(34), "{}")}"' if shown else quoted(text)

    def _any_of(self, words: Iterable[str], home: Iterable[str] = ()) -> re.Pattern[str]:
        """Finds secrets anywhere, words where they stand whole, and the region and account in ARNs.

        API Gateway's ARN of another service's action has the account in a path.
        """
        parts = [re.escape(value) for value in sorted(self.secrets, key=len, reverse=True)]
        parts += [rf"(?<![\w-]){re.escape(value)}(?![\w-])" for value in sorted(words, key=len, reverse=True)]
        return re.compile(
            "|".join([*parts, *(f"(?<=:){value}(?=:)|(?<=:path/){value}(?=/)" for value in home)]) or "(?!)"
        )

    def _document(self, text: str) -> str | None:
        """JSON as the call that writes it; None for other text, and where more than spaces would change."""
        if not text.startswith(("{", "[")) or text.count("{") + text.count("[") > BRACKETS:
            return None
        try:
            value = json.loads(text)
        except ValueError:
            return None
        same = text in (json.dumps(value), json.dumps(value, separators=(",", ":")))
        return f"json.dumps({self.expression(value)})" if same else None

    def _bytes(self, value: bytes) -> str:
        if folders := self.zips.get(hashlib.sha256(value).hexdigest()):
            return f"zip_folders({', '.join(map(quoted, folders))})"
        if len(value) > LITERAL_BYTES:
            raise Unprintable(f"{len(value):,} bytes")
        try:
            return f"{self.expression(value.decode())}.encode()"
        except UnicodeDecodeError:
            if any(secret.encode() in value for secret in self.secrets):
                raise Unprintable(f"{len(value):,} bytes with a secret inside") from None
            return repr(value)


def quoted(text: str) -> str:
    """A string literal in double quotes, or in single ones where that takes fewer escapes."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + escaped(text, quote) + quote


def escaped(text: str, quote: str, doubled: str = "") -> str:
    """`text` as it stands between two of `quote`, with each of `doubled` twice, as f-strings want braces."""

    def one(c: str) -> str:
        return c * 2 if c in doubled else f"\\{c}" if c == quote else c if c in "'\"" else repr(c)[1:-1]

    return "".join(map(one, text))


def own_key(call: Call) -> str | None:
    """The parameter in which a Create call names what it creates, such as QueueName; None without one."""
    if not call.operation.startswith("Create"):
        return None
    names = ("name", call.operation.removeprefix("Create").lower() + "name")
    return next(
        (key for key, value in call.params.items() if key.lower() in names and isinstance(value, str)), None
    )


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every string inside `value`, with the keys and indexes that lead to it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping | list):
        for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from leaves(item, (*path, key))


def _plain(key: str) -> str:
    return key.replace("_", "").lower()
