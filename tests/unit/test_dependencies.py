"""The four places that say what is needed (pyproject, lock, conda, the code itself) say the same."""

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def asked_for() -> list[Requirement]:
    lines = [*PROJECT["dependencies"], *(line for extra in EXTRAS.values() for line in extra)]
    return [Requirement(line) for line in [*lines, *PYPROJECT["build-system"]["requires"]]]


def locked() -> list[Requirement]:
    return [Requirement(line.removesuffix("\\")) for line in LOCK.splitlines() if re.match(r"\w", line)]


@pytest.mark.parametrize("wanted", asked_for(), ids=lambda requirement: requirement.name)
def test_the_lock_holds_a_version_within_each_range(wanted: Requirement) -> None:
    versions = [
        next(iter(found.specifier)).version
        for found in locked()
        if canonicalize_name(found.name) == canonicalize_name(wanted.name)
    ]
    assert versions, f"{wanted.name} is not in requirements.lock: run make lock"
    assert all(wanted.specifier.contains(version) for version in versions), f"{wanted}: {versions}; make lock"


def test_the_lock_is_exact_and_every_file_has_a_hash() -> None:
    for block in re.split(r"\n(?=\w)", LOCK.split("\n", 1)[1]):
        first, *hashes = block.rstrip().split("\n")
        assert re.match(r"[\w.-]+==[\w.!+-]+( ; .+)? \\$", first), first
        assert hashes, first
        assert all(re.match(r"    --hash=sha256:[0-9a-f]{64}( \\)?$", line) for line in hashes), first


@pytest.mark.parametrize("python", ["3.11.0", "3.12.0", "3.13.0", "3.14.0"])
@pytest.mark.parametrize(
    ("platform", "name"),
    [("linux", "posix"), ("darwin", "posix"), ("win32", "nt")],
    ids=["linux", "macos", "windows"],
)
def test_the_lock_names_each_package_once_on_each_system(python: str, platform: str, name: str) -> None:
    system = {
        "python_version": python.rsplit(".", 1)[0],
        "python_full_version": python,
        "sys_platform": platform,
        "os_name": name,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    names = [
        found.name for found in locked() if found.marker is None or Marker(str(found.marker)).evaluate(system)
    ]
    assert len(names) == len(set(names))
    assert {requirement.name.lower().replace("_", "-") for requirement in asked_for()} <= set(names)


def test_conda_asks_for_what_pyproject_asks_for() -> None:
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    asked = re.findall(r"^ *- (.+)$", text.split("dependencies:\n")[1], flags=re.MULTILINE)
    assert asked == [
        f"python{PROJECT['requires-python']}",
        "pip",
        "pip:",
        f"-e .[{','.join(EXTRAS)}]",
    ]


def test_what_builds_the_package_is_locked_as_asked_for() -> None:
    assert PYPROJECT["dependency-groups"]["build"] == PYPROJECT["build-system"]["requires"]


def test_every_dependency_has_its_reason_beside_it() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    every = [*PROJECT["dependencies"], *(line for extra in EXTRAS.values() for line in extra)]
    for line in [*every, *PYPROJECT["dependency-groups"]["build"]]:
        assert re.search(rf'^    "{re.escape(line)}",  +# \w.{{10,}}$', text, flags=re.MULTILINE), line


def imports_at_run_time(tree: ast.AST) -> Iterator[str]:
    """Top-level names of the absolute imports below `tree`, but for those only a type checker sees."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]
        else:
            yield from imports_at_run_time(node)


def outside_imports(folder: str) -> dict[str, set[str]]:
    """Distribution -> files below `folder` that import it; the standard library and ours left out."""
    known = packages_distributions()
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        for name in imports_at_run_time(ast.parse(path.read_text(encoding="utf-8"))):
            ours = name == "webhook_lab" or path.with_name(f"{name}.py").exists()
            if ours or name in sys.stdlib_module_names:
                continue
            found.setdefault(canonicalize_name(known.get(name, [name])[0]), set()).add(path.name)
    return found


def test_the_library_imports_only_what_it_asks_for() -> None:
    base = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    extra = {
        name: {canonicalize_name(Requirement(line).name) for line in EXTRAS[name]}
        for name in ("local", "database")
    }
    comes_with = {"botocore", "ipython", "jupyter-core", "jupyter-server"}  # with those asked for
    undeclared = {name: files for name, files in outside_imports("webhook_lab").items() if name not in base}
    emulator = outside_imports("webhook_lab/local_cloud").keys() & extra["local"]
    driver = outside_imports("webhook_lab/database").keys() & extra["database"]
    assert undeclared.keys() <= comes_with | emulator | driver, undeclared


def test_handlers_need_the_standard_library_and_boto3_alone() -> None:
    """But for what a handler brings along, and others' code that is zipped with it."""
    shared = {path.stem for path in (ROOT / "handlers" / "shared").glob("*.py")}  # zipped with each of them
    for handler in ("publish", "subscribe"):
        assert outside_imports(f"handlers/{handler}").keys() <= {"boto3", "botocore", *shared}
    brought = {"pg8000", "subscribe"}
    assert outside_imports("handlers/subscribe_postgres").keys() == brought


# Written in two halves, so that this file passes its own test.
INDEXES = ["pypi" + ".org", "python" + "hosted", "npm" + "js.org", "deb." + "debian", "index" + "-url="]
MACHINE = [f"/{folder}/" for folder in ("work", "root")] + ["file:" + "//"]


def test_no_committed_file_names_a_package_index_or_a_place_on_this_machine() -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: cannot tell which files are committed")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    unwanted = [*INDEXES, *MACHINE, f"{ROOT}/"]
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.suffix == ".png" or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        assert not [word for word in unwanted if word in text], name


LOADED = """
import json, sys
import webhook_lab.lab
print(json.dumps([name for name in sys.modules if name.startswith("webhook_lab")]))
"""


def test_a_notebook_loads_what_it_uses() -> None:
    """The rest comes with the first call that needs it."""
    said = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True).stdout
    loaded = {name.split(".")[1] for name in json.loads(said) if "." in name}
    assert loaded.isdisjoint({"cli", "database", "doctor", "send", "sweep"})
    whole = {"webhook_lab.show.live", "webhook_lab.local_cloud.server", "webhook_lab.course.checks"}
    assert whole.isdisjoint(json.loads(said))
