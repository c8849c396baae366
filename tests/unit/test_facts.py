"""Numbers that others decide: stated once, with a source."""

import ast
import json
import re
from collections import Counter
from pathlib import Path

import botocore.session
import pytest

import webhook_lab
from webhook_lab.facts import Fact, connections, prices, quotas, senders, spoken

MODULES = (connections, quotas, prices, senders)
FACTS = [
    pytest.param(fact, id=f"{module.__name__.rpartition('.')[2]}.{name}")
    for module in MODULES
    for name, fact in vars(module).items()
    if isinstance(fact, Fact)
]
PACKAGE = Path(webhook_lab.__file__).parent


@pytest.mark.parametrize("fact", FACTS)
def test_every_fact_names_its_source_and_the_month_it_was_checked(fact):
    assert re.fullmatch(r"https://[^\s]+", fact.source)
    assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", fact.checked)
    assert str(fact) in repr(fact)
    assert fact.source in repr(fact)


def test_every_fact_is_told_or_used_somewhere():
    notebooks = PACKAGE.parent / "notebooks"
    files = [*PACKAGE.rglob("*.py"), *notebooks.rglob("*.ipynb"), *notebooks.rglob("*.py")]
    words = Counter(re.findall(r"\w+", "\n".join(path.read_text(encoding="utf-8") for path in files)))
    facts = [name for each in MODULES for name, fact in vars(each).items() if isinstance(fact, Fact)]
    assert [name for name in facts if words[name] < 2] == []


def test_no_other_module_of_the_library_repeats_a_telling_number_of_the_facts():
    values = {fact.values[0].value for fact in FACTS}
    telling = {value for value in values if isinstance(value, int) and value > 4_096 and value % 1_000}
    repeated = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}: {node.value}"
        for path in PACKAGE.rglob("*.py")
        if not {"facts", "local_cloud"} & set(path.parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value in telling
    ]
    assert not repeated


def test_the_publish_handler_which_imports_nothing_of_ours_has_the_same_limit():
    source = (PACKAGE.parent / "handlers/publish/app.py").read_text(encoding="utf-8")
    assert re.search(rf"^ITEM_LIMIT = {quotas.DYNAMODB_ITEM_BYTES:_}\b", source, re.MULTILINE)
    assert quotas.DYNAMODB_ITEM_BYTES.value < quotas.SQS_MESSAGE_BYTES.value, "then the item is what limits"


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (1_048_576, "bytes", "1 MiB (1,048,576 bytes)"),
        (1_000, "bytes", "1,000 bytes"),
        (1_209_600, "seconds", "14 days"),
        (43_200, "seconds", "12 hours"),
        (180, "seconds", "180 seconds"),
        (1, "seconds", "1 second"),
        (0.5, "seconds", "0.5 seconds"),
        (1, "messages", "1 message"),
        (0.0000166667, "USD per GB-second", "USD 0.0000166667 per GB-second"),
        (3.5, "USD per million requests", "USD 3.50 per million requests"),
        (("python3.13", "python3.14"), "", "python3.13, python3.14"),
    ],
)
def test_a_value_is_spoken_with_its_unit(value, unit, words):
    assert spoken(value, unit) == words


def test_a_fact_formats_as_words_or_as_a_number():
    assert f"{quotas.SQS_RETENTION_LONGEST}" == "14 days"
    assert f"{quotas.SQS_IN_FLIGHT:,}" == "120,000"


def test_what_boto3_knows_too_agrees_with_the_facts():
    model = botocore.session.get_session().get_service_model
    scaling = model("lambda").shape_for("ScalingConfig").members["MaximumConcurrency"].metadata
    assert quotas.MAPPING_CONCURRENCY_LEAST.value == scaling["min"]
    assert quotas.MAPPING_CONCURRENCY_MOST.value == scaling["max"]
    assert quotas.MAPPING_BATCH_LARGEST.value == model("lambda").shape_for("BatchSize").metadata["max"]
    assert set(quotas.LAMBDA_PYTHON_RUNTIMES_KNOWN.value) <= set(model("lambda").shape_for("Runtime").enum)


def test_an_idle_mapping_stays_inside_the_free_requests():
    assert prices.IDLE_RECEIVES.value == 648_000
    assert prices.IDLE_RECEIVES.value < prices.SQS_FREE_REQUESTS.value


def test_what_forgotten_labs_cost_is_reckoned_and_told_alike():
    """The page for teachers is prose: its sums have to be these."""
    each, thirty = prices.idle_labs(1), prices.idle_labs(30)
    assert each == pytest.approx(0.648 * prices.SQS_REQUESTS.value)
    assert thirty == pytest.approx(30 * each)
    assert prices.idle_labs(1, free=True) == 0
    free = prices.idle_labs(30, free=True)
    assert free == pytest.approx(thirty - prices.SQS_FREE_REQUESTS.value / 1e6 * prices.SQS_REQUESTS.value)
    guide = " ".join((PACKAGE.parent / "TEACHING.md").read_text(encoding="utf-8").split())
    assert f"Thirty forgotten labs cost about USD {thirty:.1f}0 a month" in guide
    assert f"USD {free:.2f} after the account's free requests" in guide


def test_what_chapters_say_of_regions_and_idle_pollers_is_what_the_facts_say():
    def prose(chapter):
        (path,) = (PACKAGE.parent / "notebooks").glob(f"{chapter}_*.ipynb")
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return " ".join(" ".join("".join(cell["source"]) for cell in cells).split())

    assert len(quotas.API_ELSEWHERE.value) == 13
    assert "in thirteen regions" in prose("12")
    assert quotas.api_quotas("eu-south-1") == (2_500, 1_250)
    assert quotas.api_quotas("eu-central-1") == (10_000, 5_000)
    assert quotas.MAPPING_IDLES_WITH.value == 2
    assert "as few as two" in prose("10")


def test_every_sender_outlasts_what_a_fifo_queue_remembers():
    assert max(senders.STANDARD_WEBHOOKS_RETRIES.value) > quotas.SQS_FIFO_DEDUPLICATION.value
    assert senders.SHOPIFY_RETRY_PERIOD.value > quotas.SQS_FIFO_DEDUPLICATION.value
