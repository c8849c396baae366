"""What AWS would refuse, and what it would let pass and make one regret: found before it is asked.

Rules are pure functions over a `Plan`, so that a target that checks less than AWS teaches the same. What AWS
refuses is said in its own words: error code, then message. What boto3 refuses by itself is left to boto3.
"""

from collections.abc import Sequence

from webhook_lab.aws.errors import PreflightRefused
from webhook_lab.pipeline.plan import Finding, Plan
from webhook_lab.pipeline.setting_rules import SETTINGS, types
from webhook_lab.pipeline.standing_rules import STANDING


def check(plan: Plan) -> list[Finding]:
    """Everything to say about `plan`, refusals first. Empty: AWS takes it, and its guidance is followed."""
    findings = list(types(plan))
    if not findings:  # numbers can be compared
        findings = [finding for rule in (*SETTINGS, *STANDING) for finding in rule(plan)]
    return sorted(findings, key=lambda finding: finding.level != "refused")


def refuse(findings: Sequence[Finding]) -> None:
    """Stop at the first refusal among `findings`; warnings pass.

    Raises:
        PreflightRefused: with AWS's words, what to try, and the page to read.
    """
    for finding in findings:
        if finding.level == "refused":
            where = f"preflight: {finding.rule} (nothing was asked of AWS, which would refuse it)"
            raise PreflightRefused(where, finding.said, f"{finding.try_this} See {finding.source}")
