"""Who is where: what the reports of a class add up to."""

from collections import defaultdict

from webhook_lab.course.chapters import CHAPTERS
from webhook_lab.course.checks import checks_of
from webhook_lab.course.report import BAD, EXERCISE, GOOD, SOLVED, Report
from webhook_lab.show.board import Board, Seat, Square

NUMBERS = tuple(chapter.number for chapter in CHAPTERS)


class Standings:
    """The newest outcome of each claim of each learner, whatever the order in which reports came."""

    def __init__(self) -> None:
        self._newest: dict[str, dict[tuple[str, str], tuple[Report, int]]] = defaultdict(dict)
        self._claims = {number: len(checks_of(number).claims) for number in NUMBERS}
        self._ids: set[str] = set()

    def add(self, report: Report, received_at: int) -> None:
        """Take a report on, received at these epoch milliseconds. One of an unknown chapter is ignored."""
        if report.chapter not in self._claims or report.id in self._ids:
            return
        self._ids.add(report.id)
        own, key = self._newest[report.learner], (report.chapter, report.claim)
        if key not in own or own[key][0].at < report.at:
            own[key] = (report, received_at)

    def board(self, now: int) -> Board:
        """The picture at `now`, epoch milliseconds: first who is stuck, longest first, then all by name."""
        seats = [self._seat(learner, now) for learner in self._newest]
        seats.sort(key=lambda seat: (not seat.stuck, -seat.seconds * seat.stuck, seat.name.casefold()))
        titles = tuple((chapter.number, chapter.title) for chapter in CHAPTERS)
        return Board(titles, tuple(seats), len(self._ids))

    def _seat(self, learner: str, now: int) -> Seat:
        own = self._newest[learner]
        latest, received_at = max(own.values(), key=lambda pair: pair[0].at)
        at = NUMBERS.index(latest.chapter)
        squares = tuple(self._square(own, number) for number in NUMBERS)
        here = (report for (chapter, _), (report, _) in own.items() if chapter == latest.chapter)
        failing = max((each for each in here if each.outcome in BAD), key=lambda each: each.at, default=None)
        seconds = (now - received_at) / 1000
        return Seat(
            learner,
            squares,
            at,
            seconds,
            stuck=latest.outcome in BAD,
            quiet=seconds > CHAPTERS[at].minutes * 60 and not squares[at].complete,
            says=f"{failing.claim}: {failing.reason}" if failing else "",
        )

    def _square(self, own: dict[tuple[str, str], tuple[Report, int]], number: str) -> Square:
        found = [report for (chapter, _), (report, _) in own.items() if chapter == number]
        claims = [report for report in found if report.claim not in ("", EXERCISE)]
        return Square(
            opened=bool(found),
            done=sum(report.outcome in GOOD for report in claims),
            of=self._claims[number],
            solved=any(report.outcome == SOLVED for report in found),
            failing=any(report.outcome in BAD for report in found),
        )
