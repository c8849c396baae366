"""What was seen of a run: its rows from both ends, its facts, and the charts of them."""

from collections import Counter
from collections.abc import Sequence

from webhook_lab.lab.standing import IN_FORCE, refuse_others, settings_of, told
from webhook_lab.pipeline import Pipeline
from webhook_lab.scale.forecast import Forecast, forecast
from webhook_lab.scale.scenario import Flow, Scenario
from webhook_lab.send.retries import is_accepted
from webhook_lab.send.run import Run
from webhook_lab.show.bars import timeline_chart
from webhook_lab.show.chart import Chart
from webhook_lab.show.charts import latency_chart, prediction_chart, receives_chart
from webhook_lab.show.series import Mark
from webhook_lab.watch.concurrency import Span
from webhook_lab.watch.fates import fates_in
from webhook_lab.watch.history import CUT
from webhook_lab.watch.rows import Answer, Fate, Invocation, Sent, Work
from webhook_lab.watch.watch import NOT_OUT, Watch


class Seen:
    """A run by its rows, of which there may still be more.

    Args:
        pipeline: what ran, with the settings that stand now.
        chapter: the notebook that it is a part of; its skipped cells can be named.

    Attributes:
        stood: the settings that stood when it began; see `IN_FORCE`.
        bursts: what was sent meanwhile, by `Lab.burst`.
        redriven: the ids of the deliveries that were taken back from the dead-letter queue meanwhile.
        marks: what was done meanwhile, and when.
    """

    watch: Watch

    def __init__(self, pipeline: Pipeline, chapter: str) -> None:
        self._pipeline, self._chapter = pipeline, chapter
        self.bursts: list[Run] = []
        self.redriven: list[str] = []
        self.marks: list[Mark] = []
        self.stood = settings_of(pipeline)
        self._stopped = False

    @property
    def accepted(self) -> list[str]:
        """The id of each delivery that was answered with a 2xx, as often as it was."""
        return [row.id for row in self.sent if is_accepted(row.status)]

    @property
    def own(self) -> list[str]:
        """What the run is judged by: what was accepted, and what was taken back."""
        return list((Counter(self.accepted) | Counter(self.redriven)).elements())

    @property
    def sent(self) -> list[Sent]:
        """A row for each delivery, in the order in which they were settled."""
        return [row for burst in self.bursts for row in burst.sent.copy()]

    @property
    def answers(self) -> list[Answer]:
        """The first acceptance of each delivery, in the order in which they came."""
        return [answer for burst in self.bursts for answer in list(burst.answers.values())]

    @property
    def invocations(self) -> list[Invocation]:
        """The subscribe function's invocations."""
        return self.watch.history.invocations()

    @property
    def work(self) -> list[Work]:
        """What they did about each record that they finished."""
        return [each for each in self.watch.history.attempts() if each.outcome != CUT]

    @property
    def drained_in(self) -> float:
        """Seconds from the first record's start to the last one's finish."""
        ends = max((each.finished_at for each in self.work), default=0)
        return (ends - _first(self.work)) / 1000

    def facts(self) -> dict[str, int]:
        """What every run of the same experiment has in common: counts and the peak, no seconds."""
        self._say_what_is_left()
        sent = len(self.sent)
        return {"sent": sent, "rejected": sent - len(self.accepted), **self.watch.facts(self.own)}

    def fates(self) -> list[Fate]:
        """What became of each message that was accepted; see `fates_in`."""
        self._say_what_is_left()
        return fates_in(
            self._pipeline.session,
            [answer.message_id or "" for answer in self.answers],
            begun=self.watch.history.begun,
            table=self._pipeline.names.table,
            dlq_url=self._pipeline.get("dlq").url,
        )

    def receives(self) -> Chart:
        """How often each message was received, against how often a function worked on it."""
        return receives_chart(self.fates(), self.watch.history.failed)

    def prediction(self, seconds: float, **predicted_for: float) -> Chart:
        """What the queue held, beside a drain at an even pace that takes `seconds`.

        Args:
            predicted_for: settings that the prediction is for, such as ``work_seconds=0.25``.

        Raises:
            LabError: the run had others; it says which cell was skipped.
        """
        self.check(**predicted_for)
        self._say_what_is_left()
        began = (_first(self.work) - self.watch.began_at) / 1000
        expected = [(began, float(len(set(self.accepted)))), (began + seconds, 0.0)]
        took, marks, left = self.drained_in, self.marks, self._left()
        return prediction_chart(self.watch.samples, expected, took=took, marks=marks, left=left)

    def check(self, **predicted_for: float) -> None:
        """Nothing, where these settings stood when the run began; see `IN_FORCE`.

        Raises:
            LabError: others did; it says which cell was skipped.
        """
        refuse_others(self.stood, predicted_for, self._chapter)

    def on_paper(self, scenario: Scenario) -> Forecast:
        """What the exact model says of what was sent in this run, from when the first delivery was answered.

        Args:
            scenario: the settings; in place of its flows stand the deliveries that were accepted.

        Raises:
            LabError: the run had others; it says which cell was skipped.
        """
        self.check(**{name: getattr(scenario, name) for name in IN_FORCE})
        at = sorted((row.sent_at + row.milliseconds) / 1000 for row in self.sent if is_accepted(row.status))
        flows = tuple(Flow(1, each - at[0]) for each in at)
        return forecast(scenario.but(flows=flows, publish_seconds=0.0))

    def overlay(self, paper: Forecast) -> Chart:
        """What the queue held, beside what the model says of the same run; see `on_paper`."""
        self._say_what_is_left()
        first = min(row.sent_at + row.milliseconds for row in self.sent if is_accepted(row.status))
        began = (first - self.watch.began_at) / 1000
        expected = [(began + at, held) for at, held in paper.held if at <= paper.ended]
        took = (max(each.finished_at for each in self.work) - first) / 1000
        expected.append((began + paper.ended, 0.0))
        left = self._left()
        return prediction_chart(self.watch.samples, expected, took=took, marks=self.marks, left=left)

    def latencies(self) -> Chart:
        """How long each sender waited for its answer, and how long until the delivery was stored."""
        self._say_what_is_left()
        return latency_chart(self.sent, self.work)

    def timeline(self) -> Chart:
        """Each invocation as a bar, with what it worked on."""
        self._say_what_is_left()
        began = _first(self.invocations, self.watch.began_at)
        marks = [(at - (began - self.watch.began_at) / 1000, label) for at, label in self.marks]
        return timeline_chart(self.invocations, self.work, began=began, marks=marks)

    def _left(self) -> int:
        """How many of the accepted deliveries had not come out when the watching ended."""
        places = self.watch.places(self.own)
        return sum(places[place] for place in NOT_OUT)

    def _say_what_is_left(self) -> None:
        if self._stopped and (known := told(self.watch.places(self.own))):
            print(known)


def _first(spans: Sequence[Span], default: int = 0) -> int:
    return min((each.started_at for each in spans), default=default)
