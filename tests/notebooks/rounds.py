"""The notebooks as tests: nbval runs each code cell and compares its outputs, strictly, with the stored ones.

The course is gone through in order. With --rounds it is then, on a second lab, reversed and in order again,
so that each notebook runs first, last, and a second time where it has run before. A cell's test is named
like

    tests/notebooks/rounds.py::first lab::in order::02_create_the_table.ipynb::Cell 0

With --learner whoever runs them has the rights that `webhook-lab policy` prints, and no other (tests/policy).
Beyond what nbval compares: nothing may be written to standard error (nbval passes a misspelled magic), the
rest of a notebook is skipped once a cell has failed, and nothing but the pipeline may stand afterwards, nor
anything at all after a teardown. Specific to nbval are this file and conftest.py.
"""

import contextlib
import io
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from tests.notebooks.inventory import inventory, of_the_pipeline
from tests.policy.enforcing import VARIABLE, read_needs
from webhook_lab.local_cloud import private_cloud
from webhook_lab.pipeline import open_pipeline
from webhook_lab.pipeline.learner import learner_policy

COURSE = Path(__file__).resolve().parents[2] / "notebooks"
SITE = Path(__file__).resolve().parents[1] / "policy" / "site"
CELL_SECONDS = 120.0
"""More than any cell takes: a cell that waits for the pipeline gives up by itself after a minute."""

LEARNERS_OWN = (
    "MPLBACKEND",
    "AWS_PROFILE",
    "WEBHOOK_LAB_NAME",
    "WEBHOOK_LAB_AWS_ACCOUNT",
    "WEBHOOK_LAB_CLASS",
)
"""Set in a learner's shell, these would change what notebooks do; MPLBACKEND=Agg would hide pictures."""


def labs(folder: Path, *, all_rounds: bool) -> dict[str, dict[str, list[Path]]]:
    """Lab -> round -> the notebooks of `folder` in the order in which that round runs them."""
    in_order = sorted(folder.glob("*.ipynb"))
    first = {"first lab": {"in order": in_order}}
    second = {"second lab": {"reversed": in_order[::-1], "in order again": in_order}}
    return first | second if all_rounds else first


class Rounds(pytest.File):
    """The labs with their rounds."""

    def collect(self) -> Iterator[pytest.Collector]:
        option = self.config.option
        option.nbval_current_env = True
        option.nbval_cell_timeout = CELL_SECONDS
        folder = Path(option.notebooks or COURSE)
        for name, rounds in labs(folder, all_rounds=option.rounds).items():
            yield LocalLab.from_parent(self, name=name, rounds=rounds)


class LocalLab(pytest.Collector):
    """A local cloud and a ledger of its own, which the kernels inherit through the environment."""

    def __init__(self, rounds: dict[str, list[Path]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rounds = rounds
        self.open, self.ran = contextlib.ExitStack(), set[str]()

    def collect(self) -> Iterator[pytest.Collector | pytest.Item]:
        for name, notebooks in self.rounds.items():
            yield Round.from_parent(self, name=name, notebooks=notebooks)
        yield NothingLeft.from_parent(self, name="nothing is left after a teardown")
        if self.config.option.learner:
            yield NobodyElse.from_parent(self, name="each notebook was run with a learner's rights")

    def setup(self) -> None:
        patch = self.open.enter_context(pytest.MonkeyPatch.context())
        home = self.config._tmp_path_factory.mktemp("home")
        for name in LEARNERS_OWN:
            patch.delenv(name, raising=False)
        patch.setenv("WEBHOOK_LAB_HOME", str(home))
        patch.setenv("IPYTHONDIR", str(home / "ipython"))
        for name, value in self.open.enter_context(private_cloud()).environment().items():
            patch.setenv(name, value)
        if self.config.option.learner:  # the cloud, which stands by now, is nobody's
            (home / "policy.json").write_text(json.dumps(learner_policy()), encoding="utf-8")
            patch.setenv(VARIABLE, str(home))
            patch.setenv("PYTHONPATH", str(SITE), prepend=os.pathsep)

    def teardown(self) -> None:
        self.open.close()


class Round(pytest.Collector):
    """Some notebooks, one after the other."""

    def __init__(self, notebooks: Iterable[Path], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.notebooks = notebooks

    def collect(self) -> Iterator[pytest.Collector]:
        for path in self.notebooks:
            nodeid = f"{self.nodeid}::{path.name}"
            yield Notebook.from_parent(self, path=path, name=path.name, nodeid=nodeid)


class Notebook(IPyNbFile):
    """One notebook in one kernel."""

    broken = False

    def setup(self) -> None:
        os.environ[f"{VARIABLE}_IS"] = self.path.stem
        self.parent.parent.ran.add(self.path.stem)
        super().setup()

    def collect(self) -> Iterator[pytest.Item]:
        for cell in super().collect():
            yield Cell.from_parent(
                self, name=cell.name, cell_num=cell.cell_num, cell=cell.cell, options=cell.options
            )
        yield NothingStray.from_parent(self, name="nothing but the pipeline stands")


class Cell(IPyNbCell):
    """One code cell. The first one that fails spares its notebook the rest."""

    def setup(self) -> None:
        if self.parent.broken:
            pytest.skip("a cell above this one failed")

    def runtest(self) -> None:
        self.parent.broken = True
        super().runtest()
        errors = "".join(out.text for out in self.test_outputs if out.get("name") == "stderr")
        if errors:
            self.raise_cell_error("The cell wrote to standard error", errors)
        self.parent.broken = False


class LeftBehind(Exception):
    """What stands although it should not."""


class Leftovers(pytest.Item):
    """A look at the whole cloud."""

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any) -> Any:
        if excinfo.errisinstance(LeftBehind):
            return str(excinfo.value)
        return super().repr_failure(excinfo, "short")

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        return self.path, None, self.name


class NothingStray(Leftovers):
    """After a notebook only the pipeline's own resources may stand."""

    def runtest(self) -> None:
        if stray := inventory() - of_the_pipeline():
            raise LeftBehind(f"the notebook left behind: {', '.join(sorted(stray))}")


class NothingLeft(Leftovers):
    """After a teardown nothing may."""

    def runtest(self) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            open_pipeline().teardown()
        if left := inventory():
            raise LeftBehind(f"left after the teardown: {', '.join(sorted(left))}")


class NobodyElse(Leftovers):
    """A kernel that holds no policy against its calls writes none of them down."""

    def runtest(self) -> None:
        lines = Path(os.environ[VARIABLE], "needs.jsonl").read_text(encoding="utf-8").splitlines()
        who = {each for each, _, _ in read_needs(lines)}
        if unheld := self.parent.ran - who:
            raise LeftBehind(f"run by who may do anything: {', '.join(sorted(unheld))}")
