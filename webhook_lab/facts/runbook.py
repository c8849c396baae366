"""Five bad days, as a runbook has them: what one sees, which alarm rings, what it was, and what ends it."""

from dataclasses import dataclass

STAGED_OLDEST_SECONDS = 1
"""The alarm's threshold on a staged day, in place of the template's five minutes."""


@dataclass(frozen=True)
class BadDay:
    """One line of the runbook.

    Args:
        cause: what it was, and the day's name.
        symptom: what charts, queue and log show.
        alarms: keys of the alarms that ring, as in `webhook_lab.pipeline.alarms`.
        cure: what ends it.
        command: the calls of the lab that do so.
        other: what to look at for who took it for something else.
    """

    cause: str
    symptom: str
    alarms: tuple[str, ...]
    cure: str
    command: str
    other: str


BAD_DAYS = {
    day.cause: day
    for day in (
        BadDay(
            "poison message",
            "a few dead letters, and a failed attempt in the log for each receive of theirs",
            ("dead_letters",),
            "mend the function, then redrive",
            'lab.create_function("subscribe")\nlab.redrive()',
            "whether the dead letters have lines in the log, and how they end",
        ),
        BadDay(
            "slow database",
            "few arrive, and yet they wait: each takes ten times as long as usual",
            ("oldest_waits",),
            "relieve the database",
            'lab.create_mapping(enabled=False)\nlab.configure(work_seconds=0)\n'
            'lab.create_function("subscribe")\nlab.create_mapping()',
            "how long a record is worked on",
        ),
        BadDay(
            "sender storm",
            "many arrive at once, each is done as fast as usual, and the queue falls in a straight line",
            ("oldest_waits",),
            "let it drain",
            "# nothing: the queue is there for this; tell the sender",
            "how many have arrived, and how long each takes",
        ),
        BadDay(
            "wrong secret",
            "answers are 401, and nothing of them reaches the queue",
            ("refusals",),
            "accept both secrets, then have it sent again",
            'lab.configure(signing_secret=f"{new} {old}")\nlab.create_function("publish")',
            "how the publish function answers",
        ),
        BadDay(
            "over-pull",
            "dead letters of which no line in any log tells",
            ("dead_letters", "throttles"),
            "throttle the mapping, then redrive",
            "lab.configure(reserved_concurrency=2, maximum_concurrency=2)\n"
            'lab.create_function("subscribe")\nlab.create_mapping()\nlab.redrive()',
            "whether the dead letters have lines in the log",
        ),
    )
}  # fmt: skip
"""Every day, by its cause."""

CAUSES = tuple(BAD_DAYS)
CURES = tuple(day.cure for day in BAD_DAYS.values())


def verdict(day: BadDay, cause: str, cure: str) -> str | None:
    """What is wrong with a diagnosis of the day; None when cause and cure are right."""
    for what, said, known in (("cause", cause, CAUSES), ("cure", cure, CURES)):
        if said not in known:
            return f"{said!r} is no {what} of the runbook; there are {', '.join(map(repr, known))}."
    if cause != day.cause:
        return f"It was no {cause}: look again at {day.other}."
    if cure != day.cure:
        return f"The cause is right, and {cure!r} does not end it."
    return None
