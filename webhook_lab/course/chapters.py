"""The chapters: which notebooks there are, and where each begins. What each is for, it says itself."""

from dataclasses import dataclass

from webhook_lab.aws.errors import LabError
from webhook_lab.show.cells import RESUME

MINUTES = {
    "00": 10, "01": 25, "02": 15, "03": 25, "04": 30, "05": 30, "06": 25, "07": 25,
    "08": 30, "09": 30, "10": 30, "11": 25, "12": 25, "13": 25, "14": 25, "15": 10,
}  # fmt: skip
"""How long a chapter takes, by its number: what its card says, and what the agendas add up."""

RESTARTED = f"After a restart of the kernel: select the cell where you were, then *{RESUME}*."
"""The last line of each chapter's card."""


@dataclass(frozen=True)
class Chapter:
    """One notebook.

    Args:
        file: the notebook's file name: its number and its title.
        starts_with: key of the last pipeline step that stands when it begins; None: nothing does.
        needs_database: its functions connect to a PostgreSQL on this machine.
        lit: boxes of the picture that it is about, by key (`BOXES` in tools/picture.py).
    """

    file: str
    starts_with: str | None
    lit: tuple[str, ...]
    needs_database: bool = False

    @property
    def number(self) -> str:
        """Two digits, as in ``Lab.open(chapter="02")``."""
        return self.file[:2]

    @property
    def title(self) -> str:
        """A verb and what it does it to, such as "Create the table"."""
        words = self.file[3:].removesuffix(".ipynb").replace("_", " ").capitalize()
        return words.replace("postgres", "PostgreSQL")

    @property
    def minutes(self) -> int:
        """How long it takes."""
        return MINUTES[self.number]


CHAPTERS = (
    Chapter("00_start_here.ipynb", None, ("sender", "api", "publish", "queue", "dlq", "subscribe", "table")),
    Chapter("01_break_a_database.ipynb", None, ("queue", "subscribe", "table")),
    Chapter("02_create_the_table.ipynb", None, ("table",)),
    Chapter("03_create_the_queue.ipynb", "table", ("queue", "dlq")),
    Chapter("04_ship_the_publisher.ipynb", "queue", ("publish",)),
    Chapter("05_ship_the_throttled_subscriber.ipynb", "publish_function", ("subscribe",)),
    Chapter("06_open_the_front_door.ipynb", "mapping", ("api",)),
    Chapter("07_remember_each_delivery_once.ipynb", "api", ("publish", "subscribe", "table")),
    Chapter("08_watch_the_buffer_work.ipynb", "api", ("queue", "subscribe")),
    Chapter("09_fail_on_purpose.ipynb", "api", ("queue", "dlq", "subscribe")),
    Chapter("10_choose_the_right_throttle.ipynb", "api", ("queue", "dlq", "subscribe")),
    Chapter("11_remove_the_middleman.ipynb", "api", ("api", "queue", "subscribe")),
    Chapter(
        "12_scale_it_on_paper.ipynb",
        "api",
        ("sender", "api", "publish", "queue", "dlq", "subscribe", "table"),
    ),
    Chapter("13_put_postgres_behind_it.ipynb", "api", ("queue", "dlq", "subscribe"), needs_database=True),
    Chapter(
        "14_take_it_to_production.ipynb", "api", ("api", "publish", "queue", "dlq", "subscribe", "table")
    ),
    Chapter("15_tear_it_down.ipynb", "api", ()),
)
"""Every chapter that has a notebook, in order."""


def chapter_numbered(number: str) -> Chapter:
    """The chapter with this number.

    Raises:
        LabError: there is none.
    """
    for chapter in CHAPTERS:
        if chapter.number == number:
            return chapter
    there_are = ", ".join(chapter.number for chapter in CHAPTERS)
    raise LabError(f"open chapter {number!r}", "there is no such chapter", f"The chapters are {there_are}.")
