"""A burst through each of the two doors, and what the function at one of them wrote, as one chart."""

import json
from collections.abc import Iterable, Mapping
from statistics import mean, median
from typing import TYPE_CHECKING, Any

from webhook_lab.watch.history import History

if TYPE_CHECKING:
    from webhook_lab.send.run import Run
    from webhook_lab.show.chart import Chart


def compare(publish: "Run", direct: "Run", lines: Iterable[Mapping[str, Any]], *, memory: int) -> "Chart":
    """Draw both doors.

    Args:
        lines: the publish function's own, of at least one invocation; Lambda's are not counted.
        memory: of that function, in MB.

    Raises:
        LabError: a burst of fewer than two answers has no percentile.
    """
    from webhook_lab.show.doors import Door, doors_chart

    lines = list(lines)
    history = History().add(lines)
    ran = [each for each in history.invocations() if each.finished_at]
    size = mean(len(each.body) for each in (*publish.deliveries, *direct.deliveries))
    spent = median((each.finished_at or 0) - each.started_at for each in ran) / 1000
    written = sum(len(json.dumps(line)) for line in lines) / len(ran)
    return doors_chart(
        [
            Door("publish", publish.sent, size, max(spent, 0.001), written, memory),
            Door("direct", direct.sent, size),
        ]
    )
