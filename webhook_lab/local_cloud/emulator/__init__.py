"""Where the emulator is unlike AWS in a way that the workbook meets: put right, inside the server's process.

What names the private inside of ministack is in this folder; its version is pinned. Each change says in its
docstring, in this order,

AWS: what AWS does, as documented.
Emulator: what ministack does by itself.
Shown by: the test that would fail without the change.
Upstream: whether a fix there would retire the change, or why it stays ours.

`answers` holds the changed answers to calls, `move_tasks` the calls that redrive, `mapping_checks` what a
mapping is refused for, `proxy` what REST APIs ask of functions, `direct` how they hand a request to SQS
itself, `faults` what a function that fails says, `logs` what functions print, `stacks` what CloudFormation
leaves out, `mappings` who reads the queues. Two more differences need nothing private, so they stand where
requests come in: `guard` lets in only who may, `gateway` hands them on as API Gateway reads them.
"""

from webhook_lab.local_cloud.emulator import (
    answers,
    direct,
    faults,
    logs,
    mapping_checks,
    move_tasks,
    proxy,
    stacks,
)


def install() -> None:
    """Change the emulator so, before it answers anything; `mappings` comes later, on the event loop.

    Raises:
        RuntimeError: it is not the emulator that this was written for.
    """
    answers.batches_need_no_permission_of_their_own()
    answers.functions_are_ready_at_once()
    answers.long_polls_heed_changes()
    answers.no_second_mapping_of_the_same()
    proxy.events_hold_each_value()
    proxy.functions_have_29_seconds()
    proxy.nothing_of_the_inside_crosses_the_door()
    proxy.lambda_takes_no_more_than_it_says()
    answers.receipt_handles_end()
    answers.counting_takes_little()
    mapping_checks.mappings_are_judged()
    move_tasks.message_move_tasks()
    logs.logs_are_whole()
    logs.lines_are_live()
    faults.errors_are_lambdas()
    direct.mapping_templates_are_velocity()
    direct.the_role_decides_what_an_api_may_send()
    direct.sqs_answers_api_gateway_in_json()
    direct.sqs_takes_ten_attributes()
    stacks.stacks_set_everything()
    stacks.stacks_keep_protected_tables()
