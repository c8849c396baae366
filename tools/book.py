"""Build the site: `make book`, or `python -m tools.book`. Nothing is run; pages show stored outputs.

Sphinx reads one folder, so the sources are laid out below .cache/book first, in the same places relative to
each other as in the repository: links between chapters, agendas and the guide work in both.
"""

import ast
import importlib
import inspect
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat

from tools.refresh import NOTEBOOKS
from tools.showcase import STILLS, says
from webhook_lab.course.chapters import CHAPTERS

ROOT = NOTEBOOKS.parent
BUILT = ROOT / ".cache" / "book"
PAGES = ("TEACHING.md", "CONTRIBUTING.md", "CHANGELOG.md")
REPOSITORY = os.environ.get("WEBHOOK_LAB_REPOSITORY", "https://github.com/OWNER/webhook-lab") + "/blob/main"
"""Where files that are no pages can be read; the workflow that publishes the site says the address."""
RETURNED = (
    "webhook_lab.lab.run.WatchedRun",
    "webhook_lab.lab.attempts.Attempts",
    "webhook_lab.send.run.Run",
    "webhook_lab.show.card.Card",
    "webhook_lab.show.chart.Chart",
)
"""What `Lab` gives back, which no notebook has to import."""


def imported() -> Iterator[str]:
    """Dotted names of the library that a notebook imports: these are public."""
    for path in sorted(NOTEBOOKS.glob("**/*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code" and "webhook_lab" in cell.source:
                yield from _names(cell.source)


def _names(source: str) -> Iterator[str]:
    for line in re.findall(r"^from webhook_lab[\w.]* import .+$", source, flags=re.MULTILINE):
        (node,) = ast.parse(line).body
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def directive(name: str) -> str:
    """How Sphinx is to show what has this name."""
    module, _, last = name.rpartition(".")
    if not hasattr(importlib.import_module(module), last):
        importlib.import_module(name)
    found = getattr(importlib.import_module(module), last)
    if inspect.ismodule(found):
        return f".. automodule:: {name}\n   :members:\n"
    if not callable(found):  # without its value, which may be long
        return f".. autodata:: {name}\n   :no-value:\n"
    if not inspect.isclass(found):
        return f".. autofunction:: {name}\n"
    ours = any(base.__module__.startswith("webhook_lab") for base in found.__bases__)
    return f".. autoclass:: {name}\n   :members:\n" + ("   :inherited-members:\n" if ours else "")


def names_page() -> str:
    """The page of public names."""
    names = [*dict.fromkeys([*imported(), *RETURNED])]
    names.sort(key=lambda name: (name != "webhook_lab.lab.Lab", name))
    parts = ["# Names that the notebooks use", "What a chapter imports, and what `Lab` gives back."]
    for name in names:
        parts.append(f"## {name.rsplit('.', 1)[1]}\n\n`{name}`\n\n```{{eval-rst}}\n{directive(name)}```")
    return "\n\n".join(parts) + "\n"


def first_page(text: str) -> str:
    """The first page with its numbers and its pictures' words."""
    told = {name: says(name) for name in STILLS}
    told |= {"chapters": str(len(CHAPTERS)), "minutes": str(sum(chapter.minutes for chapter in CHAPTERS))}
    for name, words in told.items():
        text = text.replace(f"{{{name}}}", words)
    return text


def lay_out(folder: Path) -> None:
    """Copy all that the site is made of."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "book", folder)
    ignored = shutil.ignore_patterns("solutions", ".ipynb_checkpoints")
    shutil.copytree(NOTEBOOKS, folder / "notebooks", ignore=ignored)
    for name in PAGES:
        if (ROOT / name).is_file():
            shutil.copy2(ROOT / name, folder / name)
    index = folder / "index.md"
    index.write_text(first_page(index.read_text(encoding="utf-8")), encoding="utf-8")
    (folder / "names.md").write_text(names_page(), encoding="utf-8")
    for path in [*folder.glob("notebooks/**/*.ipynb"), *(folder / name for name in PAGES)]:
        if path.is_file():
            _link_to_repository(path, folder)


def _link_to_repository(path: Path, folder: Path) -> None:
    """Links to files that are no pages lead to the repository."""

    def leads(found: re.Match[str]) -> str:
        target = found[1]
        inside = (path.parent / target).resolve()
        if inside.exists() or not inside.is_relative_to(folder.resolve()):
            return found[0]
        return f"]({REPOSITORY}/{inside.relative_to(folder.resolve()).as_posix()}{found[2]})"

    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)", leads, text), encoding="utf-8")


def build(folder: Path = BUILT) -> int:
    """Lay out and build; Sphinx's exit code. A warning fails it."""
    from sphinx.cmd.build import build_main

    lay_out(folder / "source")
    shutil.rmtree(folder / "html", ignore_errors=True)
    arguments = ["-W", "--keep-going", "-q", "-j", "auto", "-b", "html", "-d", str(folder / "doctrees")]
    return build_main([*arguments, str(folder / "source"), str(folder / "html")])


def main() -> None:
    """Build, and say where the site is."""
    code = build()
    if code == 0:
        print(f"The site: {(BUILT / 'html' / 'index.html').as_uri()}")
    sys.exit(code)


if __name__ == "__main__":
    main()
