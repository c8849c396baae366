"""On a healthy machine with a cloud the doctor's text is the same everywhere: chapter 00 shows it."""

from webhook_lab import doctor
from webhook_lab.local_cloud import Cloud


def test_every_requirement_is_met_and_the_text_says_no_more_than_that(cloud: Cloud) -> None:
    report = doctor.examine()
    assert report.ok, report.text(details=True)
    assert repr(report) == "\n".join(f"OK    {check.name}" for check in report.checks)
    assert cloud.account in report.text(details=True)
