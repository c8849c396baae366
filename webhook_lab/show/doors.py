"""Both doors beside each other: what senders wait, and what a million deliveries cost until queued."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median, quantiles

from webhook_lab.facts import prices, quotas
from webhook_lab.show.axes import axis_top
from webhook_lab.show.chart import Chart, Drawing
from webhook_lab.show.theme import BLUE, INK, ORANGE, PURPLE
from webhook_lab.watch.rows import Sent

MILLION = 1_000_000
_COLOURS = {"API Gateway": PURPLE, "Lambda": ORANGE, "logs": INK, "SQS": BLUE}
_ROW = 46  # pixels
_ABOVE = 0.4  # of a row: above the bars, for what has no room inside
_LEFT, _RIGHT = 76, 196  # pixels beside the axes


@dataclass(frozen=True)
class Door:
    """One door, as a run has shown it.

    Args:
        name: "publish" or "direct".
        sent: its deliveries, as their senders saw them.
        body_bytes: of one delivery, on average.
        seconds: that the function at the door runs for one; 0 where there is none.
        log_bytes: that it writes for one.
        memory: of that function, in MB.
    """

    name: str
    sent: Sequence[Sent]
    body_bytes: float
    seconds: float = 0.0
    log_bytes: float = 0.0
    memory: int = 0

    @property
    def waits(self) -> list[float]:
        """Milliseconds that the senders waited for an answer."""
        return [each.milliseconds for each in self.sent if each.status]

    @property
    def usual(self) -> float:
        """The median of the waits."""
        return median(self.waits)

    @property
    def slow(self) -> float:
        """The wait, in milliseconds, that 95 % stay below."""
        return quantiles(self.waits, n=20)[-1]

    @property
    def requests(self) -> int:
        """AWS calls that are paid for, for one delivery: API Gateway's, Lambda's if there is one, SQS's."""
        return 3 if self.seconds else 2

    @property
    def costs(self) -> dict[str, float]:
        """US dollars for a million deliveries until they are queued, by service, at list prices.

        What is behind the queue is the same for both. A request of SQS is 64 KiB; Lambda bills whole
        milliseconds.
        """
        chunks = max(1, ceil(self.body_bytes / quotas.SQS_BILLED_BYTES.value))
        paid = {"API Gateway": prices.REST_API_REQUESTS.value}
        if self.seconds:
            gb_seconds = ceil(self.seconds * 1000) / 1000 * self.memory / 1024
            running = gb_seconds * MILLION * prices.LAMBDA_GB_SECONDS.value
            paid["Lambda"] = prices.LAMBDA_REQUESTS.value + running
            paid["logs"] = self.log_bytes * MILLION / 1e9 * prices.LOGS_INGESTED.value
        return {**paid, "SQS": chunks * prices.SQS_REQUESTS.value}


def doors_chart(doors: Sequence[Door]) -> Chart:
    """Above each delivery's wait, with the median and the 95th percentile; below what a million costs."""
    first, last = doors[0], doors[-1]
    total = {door.name: sum(door.costs.values()) for door in doors}
    name = last.name.capitalize()
    drawing = Drawing(
        f"{name}, a sender waits {last.usual:.0f} ms; with {first.name}, {first.usual:.0f} ms",
        f"A million deliveries cost USD {total[last.name]:.2f} until they are queued, "
        f"not USD {total[first.name]:.2f}",
        heights=(_ROW * len(doors), _ROW * (len(doors) + _ABOVE)), left=_LEFT, right=_RIGHT,
    )  # fmt: skip
    _draw_waits(drawing, doors)
    _draw_costs(drawing, doors)
    told = (
        f"{door.name}: median {door.usual:.1f} ms, 95 % below {door.slow:.1f} ms, "
        f"{door.requests} paid requests, USD {total[door.name]:.2f} a million"
        for door in doors
    )
    return drawing.chart(f"{'; '.join(told)}.")


def _rows(drawing: Drawing, index: int, doors: Sequence[Door], title: str, end: float) -> None:
    axis = drawing.axes[index]
    drawing.style(axis, title, end=end, top=len(doors), below="")
    axis.set(ylim=(len(doors), -_ABOVE * index), yticks=[])
    axis.set_title(title, size=8.5, color=drawing.theme.ink, alpha=0.8, loc="left", pad=3)
    axis.grid(axis="x", color=drawing.theme.ink, alpha=0.12)
    for row, door in enumerate(doors):
        drawing.write(axis, (0, row + 0.5), door.name, move=(-8, 0), align="right")


def _draw_waits(drawing: Drawing, doors: Sequence[Door]) -> None:
    end = axis_top(max(door.slow for door in doors) * 1.25)
    slower = sum(wait > end for door in doors for wait in door.waits)
    beyond = f"; {slower} waited longer than is shown" if slower else ""
    _rows(drawing, 0, doors, f"milliseconds that each sender waited for its answer{beyond}", end)
    axis = drawing.axes[0]
    for row, door in enumerate(doors):
        colour = drawing.theme.mixed(ORANGE if door.seconds else BLUE)
        inside = [wait for wait in door.waits if wait <= end]
        heights = [row + 0.3 + 0.4 * (i * 0.618 % 1) for i in range(len(inside))]  # apart, the same each time
        axis.plot(inside, heights, "o", ms=4, color=colour, alpha=0.45, mew=0)
        for value, wide in ((door.usual, 3.0), (door.slow, 1.2)):
            axis.plot([value, value], [row + 0.14, row + 0.86], color=drawing.theme.ink, lw=wide)
        words = f"median {door.usual:.0f} ms\n95 % within {door.slow:.0f} ms"
        drawing.write(axis, (end, row + 0.5), words, move=(10, 0))


def _draw_costs(drawing: Drawing, doors: Sequence[Door]) -> None:
    end = axis_top(max(sum(door.costs.values()) for door in doors))
    title = "US dollars for a million deliveries until they are queued, by service; list prices in us-east-1"
    _rows(drawing, 1, doors, title, end)
    axis = drawing.axes[1]
    for row, door in enumerate(doors):
        left = 0.0
        for service, cost in door.costs.items():
            colour = drawing.theme.mixed(_COLOURS[service])
            across = (row + 0.18, 0.64)
            axis.broken_barh([(left, cost)], across, facecolor=(colour, 0.35), edgecolor=colour, lw=1)
            lift = 0 if cost > end * (len(service) + 1) / 90 else 17  # points: no room inside, so above
            drawing.write(axis, (left + cost / 2, row + 0.5), service, move=(0, lift), align="center")
            left += cost
        words = f"USD {left:.2f}\n{door.requests} paid requests each"
        drawing.write(axis, (end, row + 0.5), words, move=(10, 0))
