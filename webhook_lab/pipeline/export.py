"""The pipeline as a CloudFormation template (SAM), from the same settings and classes that build it.

The list of steps is walked once more, with a site that has built nothing: what AWS alone can say stands
there as ``${Queue.Arn}``, and the stack's name takes the place of the lab's. Each resource says its own
properties (`Resource.cloudformation`); what a lab does without (alarms, dashboard, deletion protection, a
longer log retention) is added here.
"""

import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from webhook_lab.aws.errors import LabError
from webhook_lab.pipeline.alarms import alarms
from webhook_lab.pipeline.dashboard import dashboard
from webhook_lab.pipeline.naming import FUNCTIONS, Names
from webhook_lab.pipeline.packaging import sources, zip_files
from webhook_lab.pipeline.settings import Settings
from webhook_lab.pipeline.steps import STEPS

TEMPLATE, README = "template.yaml", "README.md"
LOG_RETENTION_DAYS = 30
"""In place of the lab's one day: an incident is looked into weeks later."""
PROTECTION, SECRET, PREFIX, TOPIC = "DeletionProtection", "SigningSecret", "SignedPrefix", "AlarmTopicArn"
_CODE_URI = r"(?m)^ *CodeUri: (\S+)$"
_IDS = {"dlq": "DeadLetterQueue"}
_TAG = "${AWS::StackName}"


class _StackNames(Names):
    """Names that begin with the stack's, whatever it is called when it is deployed."""

    def __post_init__(self) -> None:
        """CloudFormation judges the stack's name."""


@dataclass(frozen=True)
class _Reference:
    """What a resource will be called, and where it will be, once the stack stands."""

    name: str
    arn: str
    url: str


@dataclass(frozen=True)
class _Site:
    """In the place of a `Pipeline`: each step as references to what the template makes of it."""

    settings: Settings
    names: Names

    def get(self, key: str) -> _Reference:
        own = logical_id(key)
        arn = f"${{{own}.Arn}}"
        if key.endswith("_logs"):  # CloudFormation's own Arn of a log group ends in :*
            arn = f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:${{{own}}}"
        return _Reference(name=f"${{{own}}}", arn=arn, url=f"${{{own}}}")


def logical_id(key: str) -> str:
    """What the template calls a step's resource: ``"publish_role"`` is ``PublishRole``."""
    return _IDS.get(key) or "".join(word.capitalize() for word in key.split("_"))


def production(settings: Settings) -> Settings:
    """The settings as they are exported: log lines are kept longer, and no secret is written down."""
    return replace(
        settings,
        log_retention_days=LOG_RETENTION_DAYS,
        signed_prefix="",
        signing_secret="",
        handshake_secret="",
    )


def template(settings: Settings) -> dict[str, Any]:
    """The whole template as plain data, in which ``${…}`` is for Fn::Sub."""
    names = _StackNames(_TAG)
    site, tags, resources = _Site(production(settings), names), names.tags, dict[str, Any]()
    for key, step in STEPS.items():
        wanted: Any = step.wanted(site)  # type: ignore[arg-type]  # all that a step asks of a pipeline
        resources |= wanted.cloudformation(logical_id(key), tags)
    for handler in FUNCTIONS:
        resources[logical_id(f"{handler}_function")]["Properties"]["CodeUri"] = f"handlers/{handler}"
    resources["Table"]["Properties"]["DeletionProtectionEnabled"] = {"Fn::If": ["Protected", True, False]}
    variables = resources["PublishFunction"]["Properties"]["Environment"]["Variables"]
    variables |= {"SIGNED_PREFIX": f"${{{PREFIX}}}", "SIGNING_SECRET": f"${{{SECRET}}}"}
    for key, alarm in alarms(names, site.settings).items():
        resources |= alarm.cloudformation(logical_id(key), tags)
        to_topic = {"Fn::If": ["Tells", [{"Ref": TOPIC}], {"Ref": "AWS::NoValue"}]}
        resources[logical_id(key)]["Properties"]["AlarmActions"] = to_topic
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Description": "The Scalable Webhook: API Gateway, a queue, a throttled function, a table.",
        "Parameters": _PARAMETERS,
        "Conditions": {
            "Protected": {"Fn::Equals": [{"Ref": PROTECTION}, "true"]},
            "Tells": {"Fn::Not": [{"Fn::Equals": [{"Ref": TOPIC}, ""]}]},
        },
        "Resources": {**resources, **dashboard(names, site.settings)},
        "Outputs": {"Url": {"Description": "Where senders post to.", "Value": _URL}},
    }


_URL = "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/${ApiStage}"
_PARAMETERS: dict[str, Any] = {
    PROTECTION: {
        "Type": "String",
        "AllowedValues": ["true", "false"],
        "Default": "true",
        "Description": "While it is true, the table cannot be deleted, and so not the stack either.",
    },
    PREFIX: {
        "Type": "String",
        "Default": "",
        "Description": "Paths under it need a signature, / for all; empty asks for none.",
    },
    SECRET: {
        "Type": "String",
        "Default": "",
        "NoEcho": True,
        "Description": "whsec_ and base64; while it changes, the old and the new one with a space between.",
    },
    TOPIC: {
        "Type": "String",
        "Default": "",
        "Description": "SNS topic that alarms tell; empty tells nobody.",
    },
}


class _Dumper(yaml.SafeDumper):
    """Writes references in CloudFormation's short form, and no anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    inner = text[2:-1] if text.startswith("${") and text.endswith("}") else ""
    if "${" not in text:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)
    if inner and "$" not in inner:
        return dumper.represent_scalar("!GetAtt" if "." in inner else "!Ref", inner)
    return dumper.represent_scalar("!Sub", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def as_yaml(data: dict[str, Any]) -> str:
    """The template as people read it."""
    return str(yaml.dump(data, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True))


def export(folder: Path, settings: Settings, *, force: bool = False) -> dict[str, Any]:
    """Write template, handlers and README into `folder`, and return the template as data.

    Args:
        force: write into a folder that holds something, over what an earlier export wrote.

    Raises:
        LabError: the folder is not empty, is none, or cannot be written; or large bodies go to a bucket.
    """
    where = f"export to {folder}"
    if folder.exists() and not folder.is_dir():
        raise LabError(where, "it is a file", "Name a folder that is empty, or not there yet.")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise LabError(where, "the folder is not empty", "Name another, or add --force (force=True).")
    if settings.claim_check:
        said = "the template has no bucket for large bodies, which claim_check asks for"
        raise LabError(
            where, said, "configure(claim_check=False); with a bucket of your own set CLAIM_CHECK."
        )
    data = template(settings)
    try:
        _write(folder, data)
    except OSError as error:
        raise LabError(where, str(error), "Name a folder that you may write to.") from error
    return data


def stack_of(folder: Path) -> dict[str, Any]:
    """What a stack of an exported folder is made from: the fields of `Stack` that say so.

    Raises:
        LabError: there is no template in the folder, or not the code that it names.
    """
    try:
        text = (folder / TEMPLATE).read_text(encoding="utf-8")
        code = {uri: zip_files(_sources_in(folder / uri)) for uri in re.findall(_CODE_URI, text)}
    except OSError as error:
        raise LabError(f"deploy {folder}", str(error), "Export into it first: lab.export(folder).") from error
    return {"template_text": text, "code": code}


def _sources_in(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in sorted(folder.iterdir()) if path.suffix == ".py"}


def _write(folder: Path, data: dict[str, Any]) -> None:
    for handler in FUNCTIONS:
        target = folder / "handlers" / handler
        target.mkdir(parents=True, exist_ok=True)
        for source in sources(handler).values():
            shutil.copyfile(source, target / source.name)
    (folder / TEMPLATE).write_text(as_yaml(data), encoding="utf-8", newline="\n")
    (folder / README).write_text(_README, encoding="utf-8", newline="\n")


# The commands stand one a line, as a shell takes them.
_DEPLOY = (
    "aws cloudformation deploy --stack-name webhooks --template-file packaged.yaml"
    " --capabilities CAPABILITY_NAMED_IAM CAPABILITY_AUTO_EXPAND"
)
_README = f"""\
# The Scalable Webhook, as one stack (needs the AWS CLI, and a bucket for the code: choose its name)

    aws s3 mb s3://CODE_BUCKET
    aws cloudformation package --template-file {TEMPLATE} --s3-bucket CODE_BUCKET --output-template-file packaged.yaml
    {_DEPLOY}
    aws cloudformation describe-stacks --stack-name webhooks --query "Stacks[0].Outputs"
To delete it with all that it has stored: first the protection, then the stack, then the code.
    {_DEPLOY} --parameter-overrides {PROTECTION}=false
    aws cloudformation delete-stack --stack-name webhooks && aws cloudformation wait stack-delete-complete --stack-name webhooks
    aws s3 rb s3://CODE_BUCKET --force
"""  # noqa: E501
