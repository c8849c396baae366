import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webhook_lab.aws.errors import LabError
from webhook_lab.facts import quotas
from webhook_lab.pipeline.naming import FUNCTIONS, Names


def test_the_longest_prefix_still_makes_function_names_that_lambda_takes() -> None:
    names = Names("a" * 54)
    assert (
        max(len(names.function(handler)) for handler in FUNCTIONS)
        == quotas.LAMBDA_FUNCTION_NAME_CHARACTERS.value
    )
    assert all(
        name.startswith(names.prefix + "-") for name in (names.table, names.queue, names.dlq, names.api)
    )


def test_a_prefix_that_would_make_a_function_name_too_long_is_refused_with_the_length_that_fits() -> None:
    with pytest.raises(LabError, match="at most 54 characters"):
        Names("a" * 55)


@pytest.mark.parametrize(
    "prefix", ["", "Lab", "lab_ana", "-lab", "lab-", "lab--ana", "7lab", "läb", "a b", "a/b"]
)
def test_a_prefix_of_other_characters_is_refused(prefix: str) -> None:
    with pytest.raises(LabError, match="WEBHOOK_LAB_NAME"):
        Names(prefix)


def test_two_labs_share_no_name() -> None:
    ana, ben = Names("lab-ana"), Names("lab-ben")
    assert {ana.table, ana.queue, ana.dlq, ana.api}.isdisjoint({ben.table, ben.queue, ben.dlq, ben.api})


@settings(deadline=None)  # a busy machine is no failure
@given(st.from_regex(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\n?", fullmatch=True) | st.text(max_size=70))
def test_every_prefix_is_refused_or_names_what_each_service_takes(prefix: str) -> None:
    """Lambda's and IAM's 64 characters, SQS's 80; letters, digits and hyphens are what all of them take."""
    try:
        names = Names(prefix)
    except LabError:
        return
    made = [names.table, names.queue, names.dlq, names.api, names.alarm, *map(names.function, FUNCTIONS)]
    assert all(re.fullmatch(r"[a-z][a-z0-9-]{2,79}", name) for name in made)
    assert all(len(names.function(handler)) <= 64 for handler in FUNCTIONS)
    assert len(set(made)) == len(made)
    assert names.tags == {"webhook-lab": prefix}
