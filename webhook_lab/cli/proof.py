"""What a proof found, as one file: Markdown for people, and the same facts as JSON at its end."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webhook_lab.cli.chapter import BROKEN, HELD, LEFT_OUT, UNREACHED, Proven

_HIDDEN = (
    # A caller's name stands in refusals, and may be a person's address.
    (
        re.compile(r"arn:[\w-]+:(?:sts|iam)::[^\s\"',)]*:(?:user|assumed-role|federated-user)/[^\s\"',)]+"),
        "<caller>",
    ),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b"), "<key>"),
    (re.compile(r"[A-Za-z0-9+/=]{100,}"), "<secret>"),  # a session's token, such as one that came since
    (re.compile(r"\bwhsec_[A-Za-z0-9+/=]+"), "<secret>"),
    (re.compile(r"(?i)(password|secret|token)(\s*[=:]\s*)[^\s,;'\"]{6,}"), r"\1\2<secret>"),
    (re.compile(r"(?<!\d)\d{12}(?!\d)"), "<account>"),
)
"""What no report holds, whoever's it is, and what stands in its place."""


def hide(value: Any, secrets: Iterable[str] = ()) -> Any:
    """The same facts without account numbers, keys, these secrets, and the name of a home folder."""
    if isinstance(value, dict):
        return {hide(key, secrets): hide(each, secrets) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [hide(each, secrets) for each in value]
    if not isinstance(value, str):
        return value
    for secret in filter(None, secrets):
        value = value.replace(secret, "<secret>")
    value = value.replace(str(Path.home()), "~")
    for pattern, instead in _HIDDEN:
        value = pattern.sub(instead, value)
    return value


@dataclass
class Proof:
    """All that a proof found so far; what it says is whole at any moment.

    Args:
        about: where, when, by which version, what it may cost.
        interrupted: by what it was ended before its end; empty if it was not.
        secrets: what must not be told, though AWS or a library may have said it.
        removed, left: what the last cleanup removed, and what still stands; None: it has not looked yet.
    """

    about: dict[str, Any]
    chapters: list[Proven]
    doctor: list[dict[str, Any]] = field(default_factory=list)
    preflight: list[dict[str, Any]] = field(default_factory=list)
    interrupted: str = ""
    removed: int = 0
    left: list[dict[str, Any]] | None = None
    seconds: float = 0.0
    secrets: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Whether every promise held that could be tried here, and nothing is left."""
        return not self.interrupted and self.left == [] and all(each.ok for each in self.chapters)

    @property
    def counts(self) -> Counter[str]:
        """How many promises by what became of them."""
        return Counter(promise.outcome for each in self.chapters for promise in each.promises)

    def facts(self) -> dict[str, Any]:
        """All of it in plain values, with nothing in it that the report must not hold."""
        said = {
            **self.about,
            "held": self.held,
            "interrupted": self.interrupted,
            "counts": {each: self.counts[each] for each in (HELD, BROKEN, LEFT_OUT, UNREACHED)},
            "seconds": round(self.seconds, 1),
            "doctor": self.doctor,
            "preflight": self.preflight,
            "chapters": [each.facts for each in self.chapters],
            "removed": self.removed,
            "left": self.left,
        }
        hidden: dict[str, Any] = hide(said, self.secrets)
        return hidden


def summary(facts: dict[str, Any]) -> str:
    """The outcome in a sentence or two."""
    counts = ", ".join(f"{count} {outcome}" for outcome, count in facts["counts"].items())
    end = f"Interrupted: {facts['interrupted']}. " if facts["interrupted"] else ""
    if facts["left"] is None:
        return f"{end}Promises: {counts}. Whether anything is left was not seen."
    return f"{end}Promises: {counts}. Left behind: {len(facts['left'])}."


def markdown(facts: dict[str, Any]) -> str:
    """The report."""
    return "\n".join(_lines(facts)) + "\n"


def _lines(facts: dict[str, Any]) -> Iterator[str]:
    verdict = "every promise that could be tried held" if facts["held"] else "NOT PROVEN"
    yield f"# webhook-lab on {facts['target']}: {verdict}"
    yield f"\n{summary(facts)} {facts['seconds'] / 60:.0f} minutes.\n"
    for name in ("began", "region", "version", "python", "system", "ceiling", "lab"):
        yield f"- {name}: {facts[name]}"
    yield "\n## Before it began\n"
    for check in facts["doctor"]:
        yield f"- {'OK' if check['ok'] else 'FAIL'}: {check['name']}: {_told(check['said'])}"
    for each in facts["preflight"]:
        yield f"- {each['level']}: {each['rule']}: {_told(each['said'])}"
    for chapter in facts["chapters"]:
        yield from _chapter(chapter)
    yield "\n## Afterwards\n"
    yield f"Removed at the end: {facts['removed']}."
    for each in facts["left"] or ():
        yield f"- left: {each['kind']} {each['name']}: {_told(each['said'])}"
    yield "\n<details><summary>The same as JSON</summary>\n"
    yield f"```json\n{json.dumps(facts, indent=1)}\n```\n\n</details>"


def _chapter(chapter: dict[str, Any]) -> Iterator[str]:
    yield f"\n## {chapter['number']} {chapter['title']}\n"
    yield f"{chapter['cells']} cells in {chapter['seconds']:.0f} s, {len(chapter['red'])} of them red.\n"
    yield "| promise | outcome | seconds | what was said |"
    yield "|---|---|---:|---|"
    for each in chapter["promises"]:
        yield f"| {each['claim']} | {each['outcome']} | {each['seconds']:.1f} | {_told(each['said'])} |"
    for each in chapter["red"]:
        yield f"\n- cell {each['cell']}: {_told(each['said'])}"
    if chapter["calls"]:
        yield "\n| asked of AWS | times | slowest, s | refused |"
        yield "|---|---:|---:|---|"
    for each in chapter["calls"]:
        refused = ", ".join(f"{code} × {times}" for code, times in each["refused"].items())
        yield f"| {each['call']} | {each['times']} | {each['slowest']:.2f} | {refused} |"


def _told(text: str) -> str:
    """On one line of a table."""
    return " ".join(text.split()).replace("|", "\\|")
