"""Each handler's zip: the same everywhere, and at home where boto3 is all there is."""

import base64
import fnmatch
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import botocore
import pytest

from tests.handlers import fake_aws
from tests.handlers.conftest import HANDLERS
from webhook_lab.aws.errors import LabError
from webhook_lab.pipeline import packaging
from webhook_lab.pipeline.packaging import package, source_folder, sources

NAMES = ["publish", "subscribe"]
EVENTS = [
    (handler, path)
    for handler in NAMES
    for path in sorted((HANDLERS / handler / "events").glob("*.json"))
    if not path.name.endswith(".expected.json")
]
BOTO3 = ["boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3"]
"""boto3 and everything that it requires."""

DATA = re.compile(
    r"sqs|dynamodb|_retry\.json|endpoints\.json|partitions\.json|sdk-default-configuration\.json"
)
"""Of botocore's descriptions of 400 services, the ones that the handlers need."""


@pytest.fixture(scope="module")
def boto3_alone(tmp_path_factory) -> Path:
    """A folder with boto3, what it requires, and nothing else."""
    site, alone = Path(botocore.__file__).parents[1], tmp_path_factory.mktemp("boto3-alone")
    data = site / "botocore" / "data"

    def left_out(folder: str, names: list[str]) -> set[str]:
        unneeded = {name for name in names if Path(folder) == data and not DATA.match(name)}
        return unneeded | {name for name in names if name == "__pycache__"}

    for name in BOTO3:
        if (site / name).is_dir():
            shutil.copytree(site / name, alone / name, ignore=left_out)
        else:
            shutil.copy(site / name, alone / name)
    return alone


@pytest.fixture(scope="module", params=NAMES)
def unpacked(request, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    zipfile.ZipFile(io.BytesIO(package(request.param).zip_bytes)).extractall(folder)
    return folder


def python(boto3_alone: Path, code: str, *arguments: str, **environment: str) -> str:
    """What an interpreter prints that knows the standard library, one folder, and no variable of ours.

    -I: no PYTHON* variable and no current folder counts. -S: no site-packages, ours included.
    """
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "PATH", "TEMP") if name in os.environ}
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.append(sys.argv[1])\n{code}"]
    run = subprocess.run(
        [*command, str(boto3_alone), *arguments],
        env={**kept, **environment}, capture_output=True, encoding="utf-8", timeout=60,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout


RUN_EVENTS = """
import importlib.util, json, os
spec = importlib.util.spec_from_file_location("fake_aws", sys.argv[2])
fake_aws = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fake_aws)
import boto3

class Context:
    function_name, aws_request_id = "a-function", "a-request-id"

sys.path.insert(0, sys.argv[3])
unset = dict.fromkeys(["SIGNED_PREFIX", "SIGNING_SECRET", "HANDSHAKES", "HANDSHAKE_SECRET"], "")
results = {}
for case in json.load(open(sys.argv[4], encoding="utf-8")):
    os.environ.update(unset | case["environment"])
    aws = fake_aws.FakeAWS()
    boto3.DEFAULT_SESSION = aws.session
    sys.modules.pop("app", None)
    import app
    answer = app.handler(case["event"], Context)
    items = [fake_aws.plain(item) for item in aws.items.values()]
    results[case["name"]] = [answer, list(aws.messages.values()), items]
print("RESULTS", json.dumps(results))
"""


@pytest.fixture(scope="module")
def results(boto3_alone, unpacked, tmp_path_factory) -> dict:
    """What the unpacked handler makes of each of its events, all in one interpreter, as a warm function."""
    handler = "publish" if (unpacked / "handshakes.py").exists() else "subscribe"
    cases = [
        {
            "name": path.stem,
            "event": json.loads(path.read_text(encoding="utf-8")),
            "environment": expected(path)["environment"],
        }
        for name, path in EVENTS
        if name == handler
    ]
    listing = tmp_path_factory.mktemp("cases") / "cases.json"
    listing.write_text(json.dumps(cases), encoding="utf-8")
    printed = python(boto3_alone, RUN_EVENTS, fake_aws.__file__, str(unpacked), str(listing))
    return {"handler": handler, **json.loads(printed.rpartition("RESULTS ")[2])}


def expected(path: Path) -> dict:
    return json.loads(path.with_suffix(".expected.json").read_text(encoding="utf-8"))


def alike(found, wanted) -> bool:
    """Equal, where a "*" in what is wanted stands for anything that is made anew each time."""
    match wanted:
        case dict():
            return found.keys() == wanted.keys() and all(alike(found[key], wanted[key]) for key in wanted)
        case list():
            return len(found) == len(wanted) and all(map(alike, found, wanted))
        case str() if "*" in wanted:
            return fnmatch.fnmatchcase(str(found), wanted)
    return found == wanted


def test_every_event_gives_what_its_neighbour_expects(results):
    handler = results.pop("handler")
    assert len(results) >= 4
    for path in (path for name, path in EVENTS if name == handler):
        wanted = expected(path)
        answer, messages, items = results[path.stem]
        if "body" in answer:
            answer = {**answer, "body": json.loads(answer["body"])}
        assert alike(answer, wanted["answer"]), (path.name, answer)
        assert alike(list(map(json.loads, messages)), wanted.get("messages", [])), (path.name, messages)
        assert alike(items, wanted.get("items", [])), (path.name, items)


def test_every_event_has_its_expectation_and_every_expectation_its_event():
    for handler in NAMES:
        names = {path.name for path in (HANDLERS / handler / "events").glob("*.json")}
        events = {name.removesuffix(".expected.json").removesuffix(".json") for name in names}
        assert names == {f"{event}{end}" for event in events for end in (".json", ".expected.json")}


def test_nothing_but_boto3_can_be_imported_there(boto3_alone):
    code = """
import importlib.util
names = "boto3 webhook_lab handlers jupyterlab ministack standardwebhooks click pip".split()
print(*[name for name in names if importlib.util.find_spec(name)])
"""
    assert python(boto3_alone, code).split() == ["boto3"]
    assert {path.name for path in boto3_alone.iterdir()} - {"__pycache__"} == set(BOTO3)


@pytest.mark.parametrize("handler", NAMES)
def test_the_same_sources_give_the_same_bytes(handler, tmp_path, monkeypatch):
    """Other dates, other modes, the line ends of Windows, things that are no source of ours."""
    copy = tmp_path / "handlers" / handler
    shutil.copytree(source_folder(handler).parent, copy.parent)
    for path in copy.parent.rglob("*.py"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        path.chmod(0o600)
        os.utime(path, (0, 0))
    (copy / "__pycache__").mkdir(exist_ok=True)
    (copy / "__pycache__" / "app.cpython-311.pyc").write_bytes(b"")
    (copy / ".ipynb_checkpoints").mkdir()
    (copy / ".ipynb_checkpoints" / "app-checkpoint.py").write_text("", encoding="utf-8")
    (copy / "notes.txt").write_text("", encoding="utf-8")
    here = package(handler)
    monkeypatch.setattr(packaging, "handlers_folder", lambda: tmp_path / "handlers")
    assert package(handler) == here


@pytest.mark.parametrize("handler", NAMES)
def test_a_zip_holds_sources_that_lambda_may_read_and_tells_its_digest(handler):
    made = package(handler)
    digest = hashlib.sha256(made.zip_bytes).digest()
    assert made.sha256 == digest.hex()
    assert base64.b64decode(made.code_sha256_base64) == digest
    with zipfile.ZipFile(io.BytesIO(made.zip_bytes)) as archive:
        assert "app.py" in archive.namelist()
        for entry in archive.infolist():
            assert entry.external_attr >> 16 == 0o100644
            assert archive.read(entry) == sources(handler)[entry.filename].read_bytes()


def test_both_handlers_are_zipped_with_one_and_the_same_file_that_judges_signatures():
    def judging(handler):
        with zipfile.ZipFile(io.BytesIO(package(handler).zip_bytes)) as archive:
            return archive.read("senders.py")

    assert judging("publish") == judging("subscribe") == (HANDLERS / "shared" / "senders.py").read_bytes()
    assert len(list(HANDLERS.rglob("senders.py"))) == 1


@pytest.mark.parametrize("name", ["unknown", "", "..", "../handlers/publish", "publish/"])
def test_a_handler_that_is_not_there_is_refused_by_name(name):
    with pytest.raises(LabError, match="the handlers are publish, subscribe") as refused:
        package(name)
    assert repr(name) in refused.value.where


def test_without_a_checkout_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(packaging.webhook_lab, "__file__", str(tmp_path / "webhook_lab" / "__init__.py"))
    with pytest.raises(LabError, match="there is no folder") as refused:
        package("publish")
    assert "make env" in refused.value.try_this


def test_a_piece_of_the_handler_is_shipped_otherwise() -> None:
    altered = package("subscribe", {"def parse(record": "def parsed(record"})
    with zipfile.ZipFile(io.BytesIO(altered.zip_bytes)) as archive:
        assert b"def parsed(record" in archive.read("app.py")
    assert altered.sha256 != package("subscribe").sha256
    assert altered == package("subscribe", {"def parse(record": "def parsed(record"})


@pytest.mark.parametrize("piece", ["no such piece", "import"])
def test_a_piece_that_is_not_there_once_is_refused(piece: str) -> None:
    with pytest.raises(LabError, match="times"):
        package("subscribe", {piece: ""})


def test_what_a_handler_requires_is_zipped_as_it_is_installed():
    """Each file with the digest of its wheel's own record; what is in no record is not there."""
    made = package("subscribe_postgres")
    recorded = {
        file.as_posix(): file.hash.value
        for name in ("pg8000", "scramp", "asn1crypto", "python-dateutil", "six")
        for file in distribution(name).files
        if file.hash
    }
    ours = {"app.py", "subscribe/app.py", "senders.py", "direct.py", "claim_check.py"}
    with zipfile.ZipFile(io.BytesIO(made.zip_bytes)) as archive:
        names = set(archive.namelist())
        assert ours <= names
        assert {"pg8000/native.py", "scramp/core.py", "asn1crypto/core.py", "six.py"} <= names
        for name in names - ours:
            digest = base64.urlsafe_b64encode(hashlib.sha256(archive.read(name)).digest()).decode()
            assert digest.rstrip("=") == recorded[name], name
    assert package("subscribe_postgres") == made


def test_a_handler_that_uses_anothers_code_finds_all_of_it_in_its_own_zip(boto3_alone, tmp_path):
    """Unzipped as Lambda does it: no checkout, no site-packages."""
    zipfile.ZipFile(io.BytesIO(package("subscribe_postgres").zip_bytes)).extractall(tmp_path)
    code = """
sys.path.insert(0, sys.argv[2])
import app, pg8000, subscribe.app, direct, claim_check, senders
flat = {os.path.dirname(module.__file__) for module in (app, direct, claim_check, senders)}
print(*flat, app.settle is subscribe.app.settle)
"""
    printed = python(boto3_alone, f"import os\n{code}", str(tmp_path))
    assert printed.split() == [str(tmp_path), "True"]


@pytest.fixture
def two_packages(tmp_path, monkeypatch) -> Path:
    """A handler that requires one package, installed beside, which requires nothing."""
    handler, installed = tmp_path / "handlers" / "small", tmp_path / "site"
    handler.mkdir(parents=True)
    (handler / "app.py").write_text("", encoding="utf-8")
    (handler / "requirements.txt").write_text("lab-small\n", encoding="utf-8")
    about = installed / "lab_small-1.dist-info"
    about.mkdir(parents=True)
    (installed / "lab_small.py").write_text("one = 1\n", encoding="utf-8")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-small\nVersion: 1\n", encoding="utf-8")
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"one = 1\n").digest()).decode().rstrip("=")
    (about / "RECORD").write_text(f"lab_small.py,sha256={digest},8\n", encoding="utf-8")
    monkeypatch.setattr(packaging, "handlers_folder", lambda: tmp_path / "handlers")
    monkeypatch.syspath_prepend(str(installed))
    return installed


def test_a_file_that_was_changed_since_it_was_installed_is_not_zipped(two_packages):
    with zipfile.ZipFile(io.BytesIO(package("small").zip_bytes)) as archive:
        assert archive.namelist() == ["app.py", "lab_small.py"]
    (two_packages / "lab_small.py").write_text("one = 2\n", encoding="utf-8")
    with pytest.raises(LabError, match="not as it was installed"):
        package("small")


def test_a_package_that_is_missing_is_named_with_what_to_run(two_packages, tmp_path):
    (tmp_path / "handlers" / "small" / "requirements.txt").write_text("lab-missing", encoding="utf-8")
    with pytest.raises(LabError, match="lab-missing is not installed here") as refused:
        package("small")
    assert "pip install" in refused.value.try_this
