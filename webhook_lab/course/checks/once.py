"""Checks of chapter 07: what came more than once, and that it counts once."""

from collections import Counter

from webhook_lab.course.checks.claims import Checks, OpenLab
from webhook_lab.course.checks.look import ended, missing, named, stored
from webhook_lab.pipeline.packaging import package

CHECKS = Checks()
CHARGE = "charge:order-7"
"""What the claim in the notebook is called, before the run's token."""


def _queued(lab: OpenLab) -> dict[str, dict[str, int]]:
    """By delivery: the messages that publish made of it, and when (epoch ms)."""
    found: dict[str, dict[str, int]] = {}
    for line in ended(lab, "publish", "queued"):
        found.setdefault(line["id"], {})[line["message_id"]] = int(line["at"])
    return found


@CHECKS.claim("three messages carried the delivery, and it is stored once")
def _three_times(lab: OpenLab) -> None:
    item = stored(lab, "order-1")
    by, messages = item["delivered_by"], _queued(lab).get(item["id"], {})
    assert len(messages) == 3, f"{len(messages)} messages carried it"
    assert by == set(messages), f"its item knows {len(by)} of them"


@CHECKS.claim("one event for two hooks is two items, and a retry to one of them is none")
def _two_hooks(lab: OpenLab) -> None:
    carried = {item["path"]: len(item["delivered_by"]) for item in named(lab, "push")}
    assert len(carried) == 2, f"it is stored for {', '.join(sorted(carried)) or 'no path'}"
    assert sorted(carried.values()) == [1, 2], f"{carried} messages carried it"


@CHECKS.claim("one message came twice, and its item names it once")
def _redelivered(lab: OpenLab) -> None:
    item = stored(lab, "order-2")
    by, mine = item["delivered_by"], item["id"]
    lines = lab.logs("subscribe", until="redelivered")
    outcomes = [line["outcome"] for line in lines if line.get("id") == mine and "outcome" in line]
    assert outcomes == ["stored", "redelivered"], f"its outcomes were {', '.join(outcomes)}"
    assert len(by) == 1, f"its item names {len(by)} messages"


@CHECKS.claim("the FIFO queue is gone again")
def _fifo_gone(lab: OpenLab) -> None:
    urls = lab.aws.sqs.list_queues(QueueNamePrefix=lab.names.prefix).get("QueueUrls", [])
    fifo = [url for url in urls if url.endswith(f"{lab.run}.fifo")]
    assert not fifo, "it is still there"


@CHECKS.claim("all that was queued came out, stored or as a duplicate")
def _counts(lab: OpenLab) -> None:
    ends = [line for line in lab.logs("publish") if line.get("id") and line.get("outcome")]
    answered = Counter(line["outcome"] for line in ends)
    came_out = Counter(line["outcome"] for line in lab.logs("subscribe") if line.get("outcome"))
    settled = came_out["stored"] + came_out["duplicate"]
    assert answered["unauthorized"], "none was rejected"
    assert settled == answered["queued"], f"{answered['queued']} were queued, and {settled} came out"
    queued = _queued(lab)
    items = len(queued) - len(missing(lab, queued))
    assert items == came_out["stored"], f"{came_out['stored']} were stored, and {items} are in the table"


@CHECKS.claim("the effect was claimed again after the lease, and is done")
def _claimed(lab: OpenLab) -> None:
    claim = lab.item(lab.delivery_id(CHARGE))
    assert claim, "nothing was claimed"
    assert claim.get("done"), "the effect is not done"
    assert claim["owner"] == "second", f"it is the claim of the {claim['owner']}"


@CHECKS.solved
def _exercise(lab: OpenLab) -> str | None:
    forgotten: list[list[int]] = []
    remembered: list[list[int]] = []
    for id_, messages in _queued(lab).items():
        if (item := lab.item(id_)) and len(messages) > 1:
            kept = set(messages) <= item["delivered_by"]
            (remembered if kept else forgotten).append([*messages.values()])
    function = lab.pipeline.look_up("subscribe_function")
    repaired = function and function.code_sha256 == package("subscribe").code_sha256_base64
    if not forgotten:
        assert repaired, "The altered handler is deployed: send it one delivery twice."
        return None
    assert repaired, "A delivery was stored twice. Now repair the function."
    last = max(max(times) for times in forgotten)
    again = any(min(times) > last for times in remembered)
    assert again, "The function is repaired. Prove it: send it another delivery twice."
    return "One delivery was stored twice; after the repair, the next one once."
