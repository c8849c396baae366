"""One-line mutations of what the workbook promises, and for each the test that has to turn red."""

from typing import NamedTuple


class Mutation(NamedTuple):
    """One line altered: `said` stands exactly once in `file`, and `instead` takes its place.

    Args:
        what: what is broken by it, in words.
        turns_red: the test that has to fail, all of its cases together.
    """

    what: str
    file: str
    said: str
    instead: str
    turns_red: str


MUTATIONS = (
    Mutation(
        "publish takes what no item holds",
        "handlers/publish/app.py",
        "if size > ITEM_LIMIT:",
        "if size > 2 * ITEM_LIMIT:",
        "tests/handlers/test_handler_bodies.py::test_a_body_at_the_limit_is_stored_and_a_duplicate_and_a_conflict_of_it_too",
    ),
    Mutation(
        "a binary body is taken for text",
        "handlers/publish/app.py",
        '"body_is_base64": text is None,',
        '"body_is_base64": False,',
        "tests/handlers/test_handler_bodies.py::test_a_body_comes_out_of_the_table_byte_for_byte",
    ),
    Mutation(
        "the signed door is open",
        "handlers/publish/app.py",
        "if needed and not by:",
        "if False and needed and not by:",
        "tests/handlers/test_handler_signatures.py::test_a_bad_signature_gets_401_and_is_never_queued",
    ),
    Mutation(
        "another spelling of a signed path needs no signature",
        "handlers/shared/senders.py",
        'plain = posixpath.normpath("/" + unquote(path).lstrip("/")) + "/"',
        "plain = path",
        "tests/handlers/test_handler_signatures.py::test_no_spelling_of_a_signed_path_gets_round_the_signature",
    ),
    Mutation(
        "a failed SendMessage is answered 202",
        "handlers/publish/app.py",
        "        raise\n    finally:",
        '        return "queued"\n    finally:',
        "tests/handlers/test_handler_publish.py::test_an_error_of_the_queue_is_raised_and_logged_and_never_answered_202",
    ),
    Mutation(
        "a handshake opens the signed door",
        "handlers/publish/app.py",
        'if reply and (not needed or reply.signed_by in ("", by and by.name)):',
        "if reply:",
        "tests/handlers/test_handler_handshakes.py::test_at_the_signed_door_slack_signs_its_question_too_and_the_others_cannot",
    ),
    Mutation(
        "a signature never grows old",
        "handlers/shared/senders.py",
        "abs(int(now) - int(time)) <= TOLERANCE",
        "True or abs(int(now) - int(time)) <= TOLERANCE",
        "tests/handlers/test_handler_signatures.py::test_a_bad_signature_gets_401_and_is_never_queued",
    ),
    Mutation(
        "only the first of two secrets counts",
        "handlers/shared/senders.py",
        "    keys = [key_of(scheme, secret) for secret in secrets]",
        "    keys = [key_of(scheme, secret) for secret in secrets[:1]]",
        "tests/handlers/test_handler_schemes.py::test_while_secrets_change_both_are_accepted_and_no_third",
    ),
    Mutation(
        "an id that nobody signed names the delivery",
        "handlers/shared/senders.py",
        "if by and not (by.signs_its_id and own_id_of(by, headers, body)):",
        "if False and by:",
        "tests/handlers/test_handler_schemes.py::test_a_signature_of_the_schemes_own_is_accepted_and_names_the_delivery",
    ),
    Mutation(
        "one event for two hooks is one delivery",
        "handlers/shared/senders.py",
        'return f"{scheme.name}:{id_}#{where}"',
        'return f"{scheme.name}:{id_}#"',
        "tests/handlers/test_handler_schemes.py::test_a_signature_of_the_schemes_own_is_accepted_and_names_the_delivery",
    ),
    Mutation(
        "the put has no condition any more",
        "handlers/subscribe/app.py",
        'ConditionExpression="attribute_not_exists(id)"',
        'ConditionExpression="attribute_not_exists(nothing)"',
        "tests/handlers/test_handler_subscribe.py::test_an_item_tells_the_whole_story",
    ),
    Mutation(
        "no failure is reported",
        "handlers/subscribe/app.py",
        'return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}',
        'return {"batchItemFailures": []}',
        "tests/handlers/test_handler_subscribe.py::test_a_poison_message_fails_alone",
    ),
    Mutation(
        "an altered body is stored",
        "handlers/subscribe/app.py",
        'if hashlib.sha256(body).hexdigest() != delivery["body_sha256"]:',
        'if not delivery["body_sha256"]:',
        "tests/handlers/test_handler_subscribe.py::test_a_poison_message_fails_alone",
    ),
    Mutation(
        "a conflict counts as a duplicate",
        "handlers/subscribe/app.py",
        'ConditionExpression="body_sha256 = :digest"',
        'ConditionExpression="attribute_exists(id)"',
        "tests/handlers/test_handler_subscribe.py::test_a_retry_of_the_same_delivery_is_stored_once",
    ),
    Mutation(
        "a redelivery counts as a duplicate",
        "handlers/subscribe/app.py",
        'return "redelivered" if item["message_id"] in seen else "duplicate"',
        'return "duplicate"',
        "tests/handlers/test_handler_subscribe.py::test_a_message_that_the_queue_delivers_again_counts_once",
    ),
    Mutation(
        "batch failures are off",
        "webhook_lab/pipeline/settings.py",
        "report_batch_item_failures: bool = True",
        "report_batch_item_failures: bool = False",
        "tests/cloud/test_pipeline.py::test_our_own_settings_give_no_finding_but_where_functions_run",
    ),
    Mutation(
        "the throttle is 3, and 2 are reserved",
        "webhook_lab/pipeline/settings.py",
        "maximum_concurrency: int | None = 2",
        "maximum_concurrency: int | None = 3",
        "tests/cloud/test_pipeline.py::test_our_own_settings_give_no_finding_but_where_functions_run",
    ),
    Mutation(
        "the visibility timeout is below the function's",
        "webhook_lab/pipeline/settings.py",
        "visibility_timeout: int = quotas.VISIBILITY_PER_TIMEOUT.value * 30",
        "visibility_timeout: int = quotas.VISIBILITY_PER_TIMEOUT.value * 3",
        "tests/cloud/test_pipeline.py::test_building_twice_changes_nothing_the_second_time",
    ),
    Mutation(
        "one receive, then the dead-letter queue",
        "webhook_lab/pipeline/settings.py",
        "max_receive_count: int | None = quotas.MAX_RECEIVE_COUNT_ADVISED.value",
        "max_receive_count: int | None = 1",
        "tests/cloud/test_pipeline.py::test_our_own_settings_give_no_finding_but_where_functions_run",
    ),
    Mutation(
        "subscribe may do anything to the table",
        "webhook_lab/resources/policies.py",
        '"dynamodb:PutItem", "dynamodb:UpdateItem"',
        '"dynamodb:*"',
        "tests/unit/test_resource_policies.py::test_subscribe_may_read_the_queue_store_and_log",
    ),
    Mutation(
        "the mapping may not read the queue's attributes",
        "webhook_lab/resources/policies.py",
        "*MAPPING_ACTIONS),",
        "*MAPPING_ACTIONS[:2]),",
        "tests/unit/test_resource_policies.py::test_subscribe_may_read_the_queue_store_and_log",
    ),
    Mutation(
        "what failed is deleted too",
        "webhook_lab/local_cloud/poller.py",
        "await self._queue.delete(done)",
        "await self._queue.delete(batch)",
        "tests/unit/test_poller.py::test_only_with_report_batch_item_failures_is_the_response_read",
    ),
    Mutation(
        "MaximumConcurrency is ignored",
        "webhook_lab/local_cloud/poller.py",
        "return (settings.maximum_concurrency or self._scale.most) if settings.enabled else 0",
        "return self._scale.most if settings.enabled else 0",
        "tests/unit/test_poller.py::test_with_maximum_concurrency_no_message_ever_reaches_the_dlq",
    ),
    Mutation(
        "concurrency is counted twice",
        "webhook_lab/watch/concurrency.py",
        "running += change",
        "running += abs(change)",
        "tests/unit/test_history.py::test_the_peak_is_the_most_that_ran_at_one_time",
    ),
    Mutation(
        "dead letters are still queued",
        "webhook_lab/watch/fates.py",
        'place = "dlq" if id_ in buried else "table" if id_ in stored else "queue"',
        'place = "table" if id_ in stored else "queue"',
        "tests/unit/test_fates.py::test_each_message_is_where_it_was_found_last",
    ),
    Mutation(
        "a checkpoint of chapter 02 that holds always",
        "webhook_lab/course/checks/table.py",
        'assert item.get("body") == body,',
        'assert item.get("body") or body,',
        "tests/cloud/test_checks_basics.py::test_which_copy_is_stored_is_asked_of_the_table",
    ),
    Mutation(
        "a body is text at the front door",
        "webhook_lab/resources/rest_api.py",
        'BINARY = ["*/*"]',
        'BINARY = ["image/png"]',
        "tests/cloud/test_deliveries.py::test_a_body_comes_out_as_it_went_in",
    ),
    Mutation(
        "a refusal counts as accepted",
        "webhook_lab/send/retries.py",
        "200 <= status < 300",
        "200 <= status < 500",
        "tests/unit/test_send_run.py::test_what_a_bad_server_does_is_counted_by_kind_tried_again_and_never_raised",
    ),
    Mutation(
        "back-off has no longest pause",
        "webhook_lab/facts/pollers.py",
        "min(LONGEST_BACK_OFF, doubled)",
        "doubled",
        "tests/unit/test_poller.py::test_throttles_take_pollers_away_again_but_never_below_five",
    ),
    Mutation(
        "a sender goes on after 410",
        "webhook_lab/send/retries.py",
        "GONE = 410",
        "GONE = 411",
        "tests/unit/test_send_run.py::test_gone_means_that_nobody_wants_it_again",
    ),
    Mutation(
        "the direct door's template is the one that everybody copies",
        "webhook_lab/resources/direct_api.py",
        '_BODY = "$util.urlEncode($input.body)"',
        '_BODY = "$input.body"',
        "tests/cloud/test_direct_door.py::test_any_url_says_hello_and_every_character_comes_through",
    ),
    Mutation(
        "two may change a lab at once",
        "webhook_lab/ledger.py",
        "        except filelock.Timeout:",
        "        except ZeroDivisionError:",
        "tests/cloud/test_at_once.py::test_at_every_step_of_one_any_other_is_refused_in_one_message",
    ),
    Mutation(
        "a database's password is printed",
        "webhook_lab/resources/function.py",
        'return "SECRET" in name or "PASSWORD" in name',
        'return "SECRET" in name',
        "tests/cloud/test_secrets.py::test_no_secret_comes_out_anywhere",
    ),
    Mutation(
        "a web page is let in",
        "webhook_lab/local_cloud/guard.py",
        'if "origin" in headers or headers',
        "if headers",
        "tests/cloud/test_guard_raw.py::test_what_is_no_plain_request_of_an_owner_or_a_caller_is_refused",
    ),
)
