"""The chapters: what each is for, and where it begins. Cards, pictures and links follow from here.

Only notebooks that exist are listed, so that no link leads nowhere.
"""

from dataclasses import dataclass

from webhook_lab.aws.errors import LabError


@dataclass(frozen=True)
class Chapter:
    """One notebook.

    Args:
        file: the notebook's file name: its number and its title.
        product: what a learner has at its end, in one sentence.
        you_will: three things to do, each starting with a verb.
        minutes: for reading, running and the exercise.
        starts_with: key of the last pipeline step that stands when it begins; None: nothing does.
        lit: boxes of the picture that it is about, by key (`BOXES` in tools/picture.py).
        needs: what has to be there before.
        aws_cost: of running it once on AWS.
    """

    file: str
    product: str
    you_will: tuple[str, str, str]
    minutes: int
    starts_with: str | None
    lit: tuple[str, ...]
    needs: str = "nothing: `Lab.open` builds what this chapter starts from"
    aws_cost: str = "less than USD 0.01"

    @property
    def number(self) -> str:
        """Two digits, as in ``Lab.open(chapter="02")``."""
        return self.file[:2]

    @property
    def title(self) -> str:
        """A verb and what it does it to, such as "Create the table"."""
        return self.file[3:].removesuffix(".ipynb").replace("_", " ").capitalize()

    @property
    def link(self) -> str:
        """A Markdown link to it from another notebook."""
        return f"[{self.number} {self.title}]({self.file})"


CHAPTERS = (
    Chapter(
        "00_start_here.ipynb",
        "A machine that is ready, and the whole pattern in one picture.",
        (
            "check this machine with the doctor",
            "open a lab and see which AWS it talks to",
            "pass a checkpoint and solve a first exercise",
        ),
        10,
        None,
        ("sender", "api", "publish", "queue", "dlq", "subscribe", "table"),
        needs="Python and this repository; no AWS account",
        aws_cost="nothing",
    ),
    Chapter(
        "01_break_a_database.ipynb",
        "A real PostgreSQL that loses webhooks by the hundred, and what it takes for it to lose none.",
        (
            "send 500 webhooks at once into a PostgreSQL on this machine, and count what is lost",
            "try retries, a higher limit, a queue and a pooler, and crash the database",
            "work out how many functions a database of yours can take",
        ),
        25,
        None,
        ("queue", "subscribe", "table"),
        needs="nothing: a PostgreSQL comes with the lab, and goes with it",
        aws_cost="nothing",
    ),
    Chapter(
        "02_create_the_table.ipynb",
        "A DynamoDB table that stores each delivery once, however often it is written.",
        (
            "create the table that stands in for the database",
            "write an item, and lose it to a second write",
            "make the write conditional, and see the repetition refused",
        ),
        15,
        None,
        ("table",),
    ),
    Chapter(
        "03_create_the_queue.ipynb",
        "A queue that holds what the database cannot take yet, and a second one for what never works.",
        (
            "send messages, receive them and delete them by their receipt handles",
            "watch the visibility timeout bring back what nobody deleted",
            "drive a message that keeps failing into the dead-letter queue",
        ),
        25,
        "table",
        ("queue", "dlq"),
    ),
    Chapter(
        "04_ship_the_publisher.ipynb",
        "A Lambda function that puts any webhook on the queue, whole, and may do nothing else.",
        (
            "ship the function's code as a zip, invoke it and read its log",
            "see AWS refuse what its role does not allow",
            "give the role exactly the permissions that the function needs",
        ),
        30,
        "queue",
        ("publish",),
    ),
    Chapter(
        "05_ship_the_throttled_subscriber.ipynb",
        "A function that drains the queue at the pace the database bears: the first message comes through.",
        (
            "ship the function with reserved concurrency",
            "connect it to the queue with an event source mapping and its maximum concurrency",
            "follow the first message into the table",
        ),
        30,
        "publish_function",
        ("subscribe",),
    ),
    Chapter(
        "06_open_the_front_door.ipynb",
        "A URL that takes any webhook on any path, and loses none that it accepted.",
        (
            "put a REST API in front of the publish function",
            "send webhooks to any URL, and ask for signatures where they matter",
            "follow one message from its sender to the table by what each step logged",
        ),
        25,
        "mapping",
        ("api",),
    ),
    Chapter(
        "07_remember_each_delivery_once.ipynb",
        "A pipeline that may be sent anything twice, by senders and by SQS, and counts it once.",
        (
            "send one delivery three times, and deliver one message twice",
            "see what the original pattern would have stored of them",
            "claim an effect that no conditional write can undo",
        ),
        25,
        "api",
        ("publish", "subscribe", "table"),
    ),
    Chapter(
        "08_watch_the_buffer_work.ipynb",
        "A burst that you watched being absorbed and drained, at the pace that you had predicted.",
        (
            "predict how long a burst takes to drain, and measure it",
            "open the throttle while the queue drains, and see the slope change",
            "follow one message of the burst through everything that you built",
        ),
        30,
        "api",
        ("queue", "subscribe"),
    ),
    Chapter(
        "09_fail_on_purpose.ipynb",
        "A pipeline that you have seen fail in four ways, and that has lost nothing in any of them.",
        (
            "follow a poison message through its receives into the dead-letter queue",
            "look into that queue, mend the function, and take everything back",
            "cut a function off, and have one message worked on twice at once",
        ),
        30,
        "api",
        ("queue", "dlq", "subscribe"),
    ),
    Chapter(
        "10_choose_the_right_throttle.ipynb",
        "A throttle that protects the database and sends no good message to the dead-letter queue.",
        (
            "read what a poller does, and predict what it does to a burst",
            "see good messages die without having run, and bring them back",
            "tell what each throttle keeps, and set both",
        ),
        30,
        "api",
        ("queue", "dlq", "subscribe"),
    ),
    Chapter(
        "15_tear_it_down.ipynb",
        "An account with nothing of this lab left in it, and the proof.",
        (
            "preview what stands and what it costs while idle",
            "tear everything down, last built first",
            "sweep for what a lost ledger would leave behind, and prove that it is nothing",
        ),
        10,
        "api",
        (),
    ),
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


def next_link(chapter: Chapter) -> str:
    """The Markdown of a notebook's last line: where to go from here."""
    after = CHAPTERS[CHAPTERS.index(chapter) + 1 :]
    return f"**Next:** {after[0].link}" if after else f"**Again from the beginning:** {CHAPTERS[0].link}"
