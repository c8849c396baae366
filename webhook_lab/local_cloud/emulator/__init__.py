"""Where the emulator is unlike AWS in a way that the workbook meets: put right, inside the server's process.

What names the private inside of ministack is in this folder; its version is pinned. Each change says in its
docstring, in this order,

AWS: what AWS does, as documented.
Emulator: what ministack does by itself.
Shown by: the test that would fail without the change.
Upstream: whether a fix there would retire the change, or why it stays ours.

`answers` holds the changed answers to calls, `logs` what functions print, `mappings` who reads the queues,
`stacks` what CloudFormation leaves out.
Two more differences need nothing private, so they stand where requests come in: `guard` lets in only who may,
and hands a REST API's requests on as API Gateway reads them.
"""

from webhook_lab.local_cloud.emulator import answers, logs, stacks


def install() -> None:
    """Change the emulator so, before it answers anything; `mappings` comes later, on the event loop.

    Raises:
        RuntimeError: it is not the emulator that this was written for.
    """
    answers.batches_need_no_permission_of_their_own()
    answers.functions_are_ready_at_once()
    answers.long_polls_heed_changes()
    answers.no_second_mapping_of_the_same()
    logs.logs_are_whole()
    logs.lines_are_live()
    stacks.stacks_set_everything()
    stacks.stacks_keep_protected_tables()
