"""What all commands have in common: one JSON object, plain errors, exit codes."""

import json
from collections.abc import Callable

import click
import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from click.testing import CliRunner
from click.testing import Result as Printed

from webhook_lab.aws.errors import LabError
from webhook_lab.cli import main
from webhook_lab.cli.report import Commands, Result, progress, reports
from webhook_lab.local_cloud import CloudError


def run(command: Callable[[], Result], *arguments: str) -> Printed:
    """What a command of that name and body prints, as `lab try`."""
    group = Commands("lab", commands=[click.command("try")(reports(command))])
    return CliRunner().invoke(group, ["try", *arguments])


def fails(error: BaseException) -> Callable[[], Result]:
    def command() -> Result:
        raise error

    return command


def found() -> Result:
    print("a word of the library's own")
    click.echo("a message", err=True)
    return Result({"set": {"b", "a"}, "n": 1}, "two things", code=1)


def test_people_get_text_and_programs_get_one_json_object() -> None:
    assert run(found).stdout == "two things\n"
    assert json.loads(run(found, "--json").stdout) == {"set": ["a", "b"], "n": 1}


def test_messages_go_to_standard_error() -> None:
    for result in (run(found), run(found, "--json")):
        assert result.stderr == "a word of the library's own\na message\n"
        assert result.exit_code == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (LabError("build it", "no", "Ask again."), "build it\n  said: no\n  try:  Ask again.\n"),
        (CloudError("no port", "Choose one."), "lab try\n  said: no port\n  try:  Choose one.\n"),
        (PermissionError(13, "not yours", "/state"), "[Errno 13] not yours: '/state'"),
        (NoCredentialsError(), "Unable to locate credentials"),
        (ClientError({"Error": {"Code": "Denied", "Message": "go away"}}, "ListQueues"), "Denied: go away"),
    ],
)
def test_an_error_is_three_lines_and_never_a_stack(error: Exception, said: str) -> None:
    result = run(fails(error))
    assert said in result.stderr
    assert result.stderr.count("\n") == 3
    assert (result.stdout, result.exit_code) == ("", 1)


def test_an_error_is_one_json_object_too() -> None:
    result = run(fails(LabError("build it", "no", "Ask again.")), "--json")
    assert json.loads(result.stdout) == {"error": {"where": "build it", "said": "no", "try": "Ask again."}}
    assert "said: no" in result.stderr
    assert result.exit_code == 1


def test_ctrl_c_is_one_word_and_its_own_exit_code() -> None:
    result = run(fails(KeyboardInterrupt()))
    assert (result.stderr.strip(), result.exit_code) == ("Stopped.", 130)


def test_a_wrong_command_line_says_so_and_exits_with_2() -> None:
    for arguments in (["sweep", "--all", "--prefix", "lab"], ["show", "everything"], ["send"], ["fly"]):
        result = CliRunner().invoke(main, arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "Error:" in result.stderr


def test_no_bar_is_drawn_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(2, "Building") as step:
        step("table")
        step("publish_role")
    assert capsys.readouterr() == ("", "")


def test_each_command_says_what_it_does() -> None:
    assert "--version" in CliRunner().invoke(main, ["-h"]).stdout
    for name in main.commands:
        result = CliRunner().invoke(main, [name, "--help"])
        assert result.exit_code == 0
        assert f"Usage: main {name}" in result.stdout
