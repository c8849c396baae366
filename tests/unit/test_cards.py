"""Cards: what they say, that they say the same everywhere, and that nobody's text becomes markup."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from webhook_lab.facts import quotas
from webhook_lab.ledger import Row
from webhook_lab.pipeline.naming import Names
from webhook_lab.pipeline.steps import STEPS
from webhook_lab.resources import policies
from webhook_lab.resources.alarm import Alarm, Rule
from webhook_lab.resources.cleanup import Left
from webhook_lab.resources.function import Function
from webhook_lab.resources.log_group import LogGroup
from webhook_lab.resources.mapping import Mapping
from webhook_lab.resources.queue import Queue
from webhook_lab.resources.redrive import Redriven
from webhook_lab.resources.rest_api import RestApi
from webhook_lab.resources.role import Role
from webhook_lab.resources.table import Table
from webhook_lab.show.cards import (
    Card,
    comparison_card,
    facts_card,
    items_card,
    ledger_card,
    peek_card,
    redrive_card,
    resource_card,
    sweep_card,
    teardown_card,
)
from webhook_lab.sweep import Found


def resources(account, region, address):
    """One of each, as two targets would describe them."""

    def arn(service, name):
        return f"arn:aws:{service}:{region}:{account}:{name}"

    url, dlq_arn = f"{address}/{account}/lab-webhooks", arn("sqs", "lab-webhooks-dlq")
    queue = Queue("lab-webhooks", 180, 20, 345_600, 5, dlq_arn, url, arn("sqs", "lab-webhooks"))
    log_arn = arn("logs", "log-group:/aws/lambda/lab-subscribe")
    table = Table("lab-deliveries", arn("dynamodb", "table/lab-deliveries"))
    policy = policies.subscribe_policy(queue_arn=queue.arn, table_arn=table.arn, log_group_arn=log_arn)
    role_arn = f"arn:aws:iam::{account}:role/webhook-lab/lab-subscribe"
    environment = {"QUEUE_URL": queue.url, "SIGNED_PREFIX": "", "SIGNING_SECRET": "whsec_c2VjcmV0"}
    environment |= {"HANDSHAKES": "meta", "HANDSHAKE_SECRET": "a verify token"}
    function_arn = arn("lambda", "function:lab-publish")
    return {
        "table": table,
        "queue": queue,
        "role": Role("lab-subscribe", policy, arn=role_arn),
        "log group": LogGroup("/aws/lambda/lab-subscribe", 1, log_arn),
        "function": Function(
            "lab-publish", role_arn, "python3.13", 30, 128, environment, 2, code_sha256=f"{account}="
        ),
        "mapping": Mapping("lab-subscribe", queue.arn, 10, 2, uuid=f"{account}-uuid", state="Enabled"),
        "api": RestApi("lab-front-door", function_arn, api_id=f"id{account}"),
    }


HERE = resources("000000000000", "us-east-1", "http://127.0.0.1:4566")
ON_AWS = resources("123456789012", "eu-central-1", "https://sqs.eu-central-1.amazonaws.com")


class Balanced(HTMLParser):
    """Fails on a tag that is closed by another, or not at all."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def text_of(card):
    parser = Balanced()
    parser.feed(card._repr_html_())
    parser.close()
    assert parser.open == []
    return parser.text


@pytest.mark.parametrize("kind", HERE)
def test_a_card_is_the_same_on_every_target_but_for_the_console_which_only_aws_has(kind):
    here, on_aws = resource_card(HERE[kind]), resource_card(ON_AWS[kind])
    assert repr(here) == repr(on_aws)
    assert here._repr_html_() == on_aws._repr_html_()
    assert not re.search(r"arn:|\d{12}|://", repr(here))
    assert "Idle on AWS" in text_of(here)
    linked = resource_card(HERE[kind], console_url='https://console/?a=1&b="2"')
    assert 'href="https://console/?a=1&amp;b=&quot;2&quot;"' in linked._repr_html_()
    assert "<a " not in here._repr_html_()
    assert repr(linked) == repr(here)


def test_the_queues_card_reads_like_this():
    assert repr(resource_card(HERE["queue"])) == (
        "SQS queue: lab-webhooks\n"
        "  Visibility timeout  180 seconds\n"
        "  Receive wait time   20 seconds\n"
        "  Message retention   4 days\n"
        "  Dead-letter queue   lab-webhooks-dlq after 5 receives\n"
        "  Idle on AWS         USD 0.00 a month; in use USD 0.40 per million requests"
    )


def test_a_role_is_shown_by_what_it_allows():
    assert "sqs:ReceiveMessage, sqs:DeleteMessage, sqs:GetQueueAttributes on lab-webhooks" in repr(
        resource_card(HERE["role"])
    )
    assert re.search(r"Allows +nothing", repr(resource_card(replace(HERE["role"], policy=None))))


def test_a_function_never_shows_its_secret():
    card = resource_card(HERE["function"])
    for name, secret in (("SIGNING_SECRET", "whsec"), ("HANDSHAKE_SECRET", "verify")):
        assert f"{name} = set, not shown" in repr(card)
        assert secret not in repr(card) + card._repr_html_()


def test_what_is_not_set_is_said():
    assert "none" in repr(resource_card(replace(HERE["queue"], dead_letter_arn=None, max_receive_count=None)))
    assert "not set" in repr(resource_card(replace(HERE["mapping"], maximum_concurrency=None)))
    assert "whole batch" in repr(resource_card(replace(HERE["mapping"], report_batch_item_failures=False)))
    assert "none" in repr(resource_card(replace(HERE["function"], reserved_concurrency=None)))
    assert "not deployed" in repr(resource_card(replace(HERE["api"], stage=None, function_arn=None)))
    assert "never" in repr(resource_card(replace(HERE["table"], ttl_attribute=None)))
    assert "for ever" in repr(resource_card(replace(HERE["log group"], retention_days=None)))


def item(path, at, **more):
    return {
        "id": f"lab:{at}",
        "path": path,
        "message": f"hello from {path}",
        "body": "{}",
        "body_is_base64": False,
        "received_at": at,
        "receive_count": 1,
        "message_id": "m",
        "delivered_by": {"m"},
        **more,
    }


def test_items_come_newest_first_without_ids_or_times():
    card = items_card([item("/old", 1), item("/new", 2, delivered_by={"m", "n"}, receive_count=3)])
    assert repr(card) == (
        "2 items\n"
        "  path  message          body bytes  receive count  times delivered\n"
        "  /new  hello from /new           2              3                2\n"
        "  /old  hello from /old           2              1                1"
    )


def test_a_base64_body_counts_its_own_bytes_and_text_counts_utf8():
    binary = item("/b", 2, body=base64.b64encode(b"\x00" * 300).decode(), body_is_base64=True)
    assert [row[2] for row in items_card([binary, item("/t", 1, body="é")]).rows] == [300, 2]


def test_only_the_newest_items_are_shown_and_the_rest_is_counted():
    card = items_card([item("/x", at) for at in range(25)])
    assert (card.title, len(card.rows), card.note) == ("25 items", 10, "The first 10 of 25.")
    assert repr(items_card([])) == text_of(items_card([])) == "no items"


def test_a_conflict_is_told_from_the_first_delivery():
    assert "same id, other body" in repr(items_card([item("/x", 1, conflict_of="lab:0")]))


def test_a_peek_shows_envelopes_and_anything_else_as_it_is():
    envelope = '{"path": "/a", "message": "hello from /a", "body": "abc", "body_is_base64": false}'
    card = peek_card([{"Body": envelope, "Attributes": {"ApproximateReceiveCount": "2"}}, {"Body": "[1]"}])
    assert card.rows == (("/a", "hello from /a", 3, 2), ("-", "[1]", 3, 0))


def test_a_redrive_tells_what_it_moved_and_what_it_left():
    assert redrive_card(Redriven(2, 1)).rows == (("Moved", "2 messages"), ("Left", "1 message"))


def test_an_alarm_is_told_from_a_rule_that_we_judge():
    alarm = Alarm("lab-dead-letters", "lab-webhooks-dlq", Rule(), "arn:aws:cloudwatch:x", "ALARM")
    card = resource_card(alarm)
    assert card.title == "CloudWatch alarm"
    assert dict(card.rows)["State"] == "ALARM"
    assert dict(card.rows)["Alarm when"] == "more than 0 in a period of 60 seconds"
    judged = resource_card(replace(alarm, arn="", rule=Rule(periods=3)))
    assert judged.title == "The rule of a CloudWatch alarm"
    assert "no alarm was created" in judged.note
    assert dict(judged.rows)["Alarm when"] == "more than 0 in 3 periods of 60 seconds in a row"


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "<b>&amp;", '"><img src=x onerror=1>'])
def test_a_senders_text_never_becomes_markup(hostile):
    for card in (items_card([item(hostile, 1)]), peek_card([{"Body": hostile}])):
        assert hostile in text_of(card)
        assert "<script" not in card._repr_html_()
        assert "<img" not in card._repr_html_()


def test_text_between_dollar_signs_is_not_taken_for_mathematics():
    html = comparison_card("t", ["a"], [["$x$ and $y$"]])._repr_html_()
    assert "$x$" not in html
    assert "$" not in repr([resource_card(resource) for resource in HERE.values()])


def test_a_senders_text_stays_on_one_line_and_is_cut():
    text = repr(items_card([item("/a\nb\x1b[31m", 1)]))
    assert len(text.splitlines()) == 3
    assert r"/a\nb\x1b[31m" in text
    assert items_card([item("/" + "x" * 500, 1)]).rows[0][0] == "/" + "x" * 56 + "..."


def test_facts_are_shown_with_their_sources_as_short_links_and_a_senders_address_is_none():
    card, source = facts_card("Quotas", {"in flight": quotas.SQS_IN_FLIGHT}), quotas.SQS_IN_FLIGHT.source
    assert "in flight  120,000 messages" in repr(card)
    assert source in repr(card)
    assert f'<a href="{source}">docs.aws.amazon.com / quotas-queues.html</a>' in card._repr_html_()
    assert "href" not in items_card([item("https://example.com/a", 1)])._repr_html_()


def test_the_ledgers_card_knows_every_kind_of_step_and_says_so_of_others():
    rows = [Row(step.kind.kind, step.name(Names("lab")), None) for step in STEPS.values()]
    card = ledger_card(rows)
    assert card.title == f"This lab holds {len(STEPS)} resources"
    assert {"DynamoDB table", "SQS queue", "SQS dead-letter queue", "IAM role"} < {
        row[0] for row in card.rows
    }
    assert all(str(row[2]).startswith("USD 0.00 a month") for row in card.rows)
    assert repr(ledger_card([])) == "This lab holds no resources"
    other = ledger_card([Row("of-another-version", "x", None)])
    assert other.rows == (("of-another-version", "x", "unknown"),)


def test_a_teardown_says_what_is_left():
    gone = [SimpleNamespace(kind="table", name="lab-deliveries")]
    left = [Left("log_group", "/aws/lambda/lab-publish", "it stands", "Sweep.")]
    assert "nothing of this lab is left" in repr(teardown_card(gone, []))
    assert "1 resource removed, 0 left" in repr(teardown_card(gone, []))
    assert re.search(r"log group +/aws/lambda/lab-publish +STILL THERE", repr(teardown_card(gone, left)))
    assert "nothing of this lab is left" not in repr(teardown_card(gone, left))


def test_a_sweep_says_what_it_found_and_how_it_knows():
    found = [Found("queue", "lab-webhooks-stray", "an-address", "tag")]
    text = repr(sweep_card(found))
    assert text.startswith("The sweep found 1 resource\n")
    assert re.search(r"\n +SQS queue +lab-webhooks-stray +by its tag", text)
    assert sweep_card(found, removed=True).title == "The sweep found 1 resource, and removed it"
    assert sweep_card(found * 2, removed=True).title == "The sweep found 2 resources, and removed them"
    assert repr(sweep_card([], removed=True)) == "The sweep found no resources"


def test_several_lines_in_one_cell_line_up():
    card = Card("t", "", (("label", "one\ntwo"), ("b", "three")))
    assert repr(card) == "t\n  label  one\n         two\n  b      three"
    assert "one<br>two" in card._repr_html_()


def test_a_card_needs_nothing_but_a_table_to_be_read():
    html = resource_card(HERE["queue"])._repr_html_()
    bare = re.sub(r' style="[^"]*"', "", html)
    assert '<tr><th scope="row">Visibility timeout</th><td>180 seconds</td></tr>' in bare
