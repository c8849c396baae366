"""Checks of chapter 07: what came more than once, and that it counts once."""

from collections import Counter

from webhook_lab.course.checks.bench import Bench, Checks
from webhook_lab.pipeline.packaging import package

CHARGE = "charge:order-7"
"""What the claim in the notebook is called, before the run's token."""


def _queued(bench: Bench) -> dict[str, dict[str, int]]:
    """By delivery: the messages that publish made of it, and when (epoch ms)."""
    found: dict[str, dict[str, int]] = {}
    for line in bench.logs("publish"):
        if line.get("outcome") == "queued":
            found.setdefault(line["id"], {})[line["message_id"]] = int(line["at"])
    return found


def _three_times(bench: Bench) -> None:
    mine = f"webhook:{bench.delivery_id('order-1')}"
    item, messages = bench.item(mine), _queued(bench).get(mine, {})
    assert item, "it is not stored"
    assert len(messages) == 3, f"{len(messages)} messages carried it"
    assert item["delivered_by"] == set(messages), f"its item knows {len(item['delivered_by'])} of them"


def _redelivered(bench: Bench) -> None:
    mine = f"webhook:{bench.delivery_id('order-2')}"
    item = bench.item(mine)
    assert item, "it is not stored"
    lines = bench.logs("subscribe", until="redelivered")
    outcomes = [line["outcome"] for line in lines if line.get("id") == mine and "outcome" in line]
    assert outcomes == ["stored", "redelivered"], f"its outcomes were {', '.join(outcomes)}"
    assert len(item["delivered_by"]) == 1, f"its item names {len(item['delivered_by'])} messages"


def _fifo_gone(bench: Bench) -> None:
    urls = bench.aws.sqs.list_queues(QueueNamePrefix=bench.names.prefix).get("QueueUrls", [])
    fifo = [url for url in urls if url.endswith(f"{bench.run}.fifo")]
    assert not fifo, "it is still there"


def _counts(bench: Bench) -> None:
    ends = [line for line in bench.logs("publish") if line.get("id") and line.get("outcome")]
    answered = Counter(line["outcome"] for line in ends)
    came_out = Counter(line["outcome"] for line in bench.logs("subscribe") if line.get("outcome"))
    settled = came_out["stored"] + came_out["duplicate"]
    assert answered["unauthorized"], "none was rejected"
    assert settled == answered["queued"], f"{answered['queued']} were queued, and {settled} came out"
    items = sum(bench.item(id_) is not None for id_ in _queued(bench))
    assert items == came_out["stored"], f"{came_out['stored']} were stored, and {items} are in the table"


def _claimed(bench: Bench) -> None:
    claim = bench.item(bench.delivery_id(CHARGE))
    assert claim, "nothing was claimed"
    assert claim.get("done"), "the effect is not done"
    assert claim["owner"] == "second", f"it is the claim of the {claim['owner']}"


def _exercise(bench: Bench) -> str | None:
    forgotten: list[list[int]] = []
    remembered: list[list[int]] = []
    for id_, messages in _queued(bench).items():
        if (item := bench.item(id_)) and len(messages) > 1:
            kept = set(messages) <= item["delivered_by"]
            (remembered if kept else forgotten).append([*messages.values()])
    function = bench.pipeline.look_up("subscribe_function")
    repaired = function and function.code_sha256 == package("subscribe").code_sha256_base64
    if not forgotten:
        assert repaired, "The altered handler is deployed: send it one delivery twice."
        return None
    assert repaired, "A delivery was stored twice. Now repair the function."
    last = max(max(times) for times in forgotten)
    again = any(min(times) > last for times in remembered)
    assert again, "The function is repaired. Prove it: send it another delivery twice."
    return "One delivery was stored twice; after the repair, the next one once."


CHECKS = Checks(
    checkpoints={
        "three messages carried the delivery, and it is stored once": _three_times,
        "one message came twice, and its item names it once": _redelivered,
        "the FIFO queue is gone again": _fifo_gone,
        "all that was queued came out, stored or as a duplicate": _counts,
        "the effect was claimed again after the lease, and is done": _claimed,
    },
    exercise=_exercise,
)
