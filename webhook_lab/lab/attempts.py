"""Messages followed through their attempts, until they are stored or dead."""

from collections.abc import Mapping

from webhook_lab.aws.errors import explain
from webhook_lab.aws.retry import retry_until
from webhook_lab.pipeline import Pipeline
from webhook_lab.show.bars import attempts_chart
from webhook_lab.show.card import counted
from webhook_lab.show.chart import Chart
from webhook_lab.show.series import Mark
from webhook_lab.watch.history import History
from webhook_lab.watch.log_lines import LogReader
from webhook_lab.watch.peek import messages_of
from webhook_lab.watch.rows import Answer, Work

SECONDS = 60.0
"""How long an attempt, or a dead letter, is waited for."""
PAUSE = 0.2
"""Seconds between two looks: what is seen to have happened is to be acted upon."""


class Attempts:
    """What the subscribe function has tried on each message since a moment, and which of them are dead.

    Args:
        since: epoch milliseconds by AWS's clock (`Session.now`).

    Attributes:
        dead_since: by message id, when it was first seen in the dead-letter queue. SQS keeps no such time.
    """

    def __init__(self, pipeline: Pipeline, *, since: int) -> None:
        self._pipeline, group = pipeline, pipeline.names.log_group("subscribe")
        self._reader = LogReader.of(pipeline.session, log_group=group, since=since)
        self._seconds = pipeline.session.target.traits.allow(SECONDS)
        self._history = History()
        self._marks: list[tuple[int, str]] = []
        self.dead_since: dict[str, int] = {}

    def __call__(self, *answers: Answer) -> list[Work]:
        """Every attempt that has ended, oldest first; of these answers' messages, or of all."""
        with explain("read the subscribe function's log"):
            self._history.add(self._reader.read())
        wanted = {answer.message_id for answer in answers}
        return [each for each in self._history.attempts() if not wanted or each.message_id in wanted]

    def wait(self, answer: Answer, number: int) -> list[Work]:
        """Wait until that many attempts at the answer's message have ended, and return them.

        Raises:
            LabError: they have not in time.
        """

        def once_there() -> list[Work] | None:
            found = self(answer)
            return found if len(found) >= number else None

        reason = f"{number} attempts at the message to end"
        return retry_until(once_there, seconds=self._seconds, reason=reason, longest_pause=PAUSE)

    def wait_for(self, outcome: str, *answers: Answer) -> Work:
        """Wait until an attempt at one of the answers' messages has ended so, and return the first that has.

        Raises:
            LabError: none has in time.
        """

        def once_there() -> Work | None:
            return next((each for each in self(*answers) if each.outcome == outcome), None)

        reason = f"an attempt to end as {outcome!r}"
        return retry_until(once_there, seconds=self._seconds, reason=reason, longest_pause=PAUSE)

    def wait_for_dead(self, *answers: Answer) -> int:
        """Wait until the messages of all these answers lie in the dead-letter queue; how many they are.

        Then for `Traits.log_lag` more: what their last attempts wrote has shown by then. Where only a receive
        shows them, each look is one receive of each that lies there.

        Raises:
            LabError: they do not in time.
        """
        session, url = self._pipeline.session, self._pipeline.get("dlq").url
        wanted = {str(answer.message_id) for answer in answers}
        lag = session.target.traits.log_lag * 1000

        def once_there() -> bool | None:
            for message in messages_of(session, queue_url=url):
                self.dead_since.setdefault(message["MessageId"], session.now())
            if not wanted <= self.dead_since.keys():
                return None
            latest = max((self.dead_since[id_] for id_ in wanted), default=0)
            return session.now() - latest >= lag or None

        with explain("look for dead letters"):
            reason = f"{counted(len(wanted), 'dead letter')}"
            retry_until(once_there, seconds=self._seconds, reason=reason, longest_pause=PAUSE)
        return len(wanted)

    def mark(self, label: str) -> None:
        """Remember that something was done now, for the chart."""
        self._marks.append((self._pipeline.session.now(), label))

    def chart(self, named: Mapping[str, Answer]) -> Chart:
        """The attempts at some messages, one row each, under the names that they are given here."""
        works, queue = self(*named.values()), self._pipeline.look_up("queue")
        began = min((each.started_at for each in works), default=0)
        last = max((each.finished_at for each in works), default=0)
        marks: list[Mark] = [((at - began) / 1000, label) for at, label in self._marks if began <= at <= last]
        return attempts_chart(
            works,
            {str(answer.message_id): name for name, answer in named.items()},
            visibility_timeout=queue.visibility_timeout if queue else 0,
            dead=self.dead_since,
            marks=marks,
        )
