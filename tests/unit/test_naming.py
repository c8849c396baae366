import pytest

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
