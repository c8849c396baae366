"""Checks of chapter 13: what PostgreSQL holds and allowed, what subscribe said, and what died.

They look at the newest run that was watched, and hold on any machine, however fast or loaded.
"""

from typing import TYPE_CHECKING, Any

from webhook_lab.course.checks.claims import Checks, OpenLab
from webhook_lab.course.checks.database import NO_POOLER
from webhook_lab.course.checks.look import dead, ended, there, throttles
from webhook_lab.pipeline.packaging import package

if TYPE_CHECKING:
    from webhook_lab.show.database import Database

CHECKS = Checks()
REFUSED = "FATAL: sorry, too many clients already"
"""What PostgreSQL says when it has no connection left (SQLSTATE 53300)."""
OTHERS, PROOF = 2, 40
"""The exercise: connections that others need, and how many deliveries are the proof."""


def _database(lab: OpenLab) -> "Database":
    assert lab.database, "no database was started"
    assert lab.database.beside, "no run was watched beside it"
    return lab.database


def _failures(lab: OpenLab) -> list[str]:
    """Why attempts of the newest run failed, in subscribe's words."""
    since = _database(lab).watched_since
    return [line["error"] for line in ended(lab, "subscribe", "failed") if line["at"] >= since]


def _held(lab: OpenLab, *, redriven: bool = False) -> dict[str, int]:
    """What the table holds of the newest run: all that publish has queued, with its receives.

    Args:
        redriven: of all runs since the lab was opened, what had died and came back too.
    """
    database = _database(lab)
    since = 0 if redriven else database.watched_since
    queued = {line["id"] for line in ended(lab, "publish", "queued") if line["at"] >= since}
    assert queued, "nothing was accepted"
    held = database.receives(queued)
    assert len(held) == len(queued), f"PostgreSQL holds {len(held)} of {len(queued)}"
    return held


def _within_room(lab: OpenLab, most: int | None) -> None:
    database, allowed = _database(lab), most or 0
    assert database.beside
    peak = database.beside.peak()
    assert 0 < peak <= min(allowed, database.room), f"{peak} connections were open at once"


@CHECKS.claim("the function runs the code that stores in PostgreSQL")
def _swapped(lab: OpenLab) -> None:
    runs = there(lab, "subscribe_function").code_sha256
    assert runs == package("subscribe_postgres").code_sha256_base64, "it runs other code"


@CHECKS.claim("PostgreSQL refused connections, and good deliveries are dead")
def _refused(lab: OpenLab) -> None:
    assert any(REFUSED in error for error in _failures(lab)), "PostgreSQL refused none"
    died = dead(lab)
    assert died, "the dead-letter queue is empty"
    good = {line["message_id"] for line in ended(lab, "publish", "queued")}
    assert died & good, "none of the dead was sent here"


@CHECKS.claim("none was refused, and what had died is stored too")
def _fits(lab: OpenLab) -> None:
    _held(lab, redriven=True)
    failed = _failures(lab)
    assert not failed, f"{len(failed)} attempts failed: {failed[0]}"
    _within_room(lab, throttles(lab)[1])
    assert not dead(lab), "the dead-letter queue is not empty"


@CHECKS.claim("attempts failed while the database was down, and each delivery is stored, once")
def _survived(lab: OpenLab) -> None:
    assert _failures(lab), "no attempt failed"
    came_again = [receives for receives in _held(lab).values() if receives > 1]
    assert came_again, "none came again"
    once, since = ended(lab, "subscribe", "stored"), _database(lab).watched_since
    ids = [line["id"] for line in once if line["at"] >= since]
    assert len(ids) == len(set(ids)), "one was stored twice"
    assert not dead(lab), "the dead-letter queue is not empty"


@CHECKS.claim("more ran at once than connections were open, and none was refused")
def _pooled(lab: OpenLab) -> str | None:
    function, database = there(lab, "subscribe_function"), _database(lab)
    if function.environment.get("PGPORT") == str(database.server.port):
        return NO_POOLER
    _held(lab)
    assert not _failures(lab), "some attempts failed"
    _within_room(lab, database.room)
    return None


@CHECKS.solved
def _exercise(lab: OpenLab) -> str | None:
    database, (reserved, maximum) = _database(lab), throttles(lab)
    safe: Any = database.limit(kept=OTHERS).maximum_concurrency
    assert database.room > 2, "Restart the database as the cell above does."
    if maximum == 2:
        return None
    assert reserved in (maximum, None), f"The mapping may run {maximum}, but {reserved} are reserved."
    assert maximum, "The mapping has no maximum concurrency."
    assert maximum <= safe, f"With {maximum} the others do not get their {OTHERS} connections."
    assert maximum == safe, f"{maximum} are safe, and more would be too."
    mapping: Any = lab.aws.lambda_.get_event_source_mapping(UUID=there(lab, "mapping").uuid)
    since = max(database.watched_since, mapping["LastModified"].timestamp() * 1000)
    queued = [line for line in ended(lab, "publish", "queued") if line["at"] >= since]
    assert len(queued) >= PROOF, f"Now prove it: {len(queued)} of {PROOF} deliveries were watched."
    _held(lab)
    assert not _failures(lab), "Some attempts failed."
    _within_room(lab, maximum)
    return f"{maximum} at once, {OTHERS} connections left for others; PostgreSQL refused none."
