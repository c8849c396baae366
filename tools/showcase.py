"""Write the pictures that README and the site's first page show: `python -m tools.showcase [live]`.

The still ones are stored outputs of chapters. The moving one, written only when `live` is said, is a real run
on a local cloud of its own: the frames that the live view would have drawn, as one animated SVG.
"""

import asyncio
import base64
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools.refresh import NOTEBOOKS, PICTURE, fresh_lab
from webhook_lab.course.chapters import chapter_numbered
from webhook_lab.lab import Lab
from webhook_lab.show.live_svg import frame
from webhook_lab.show.series import RUN, Mark, collect
from webhook_lab.show.theme import LIGHT
from webhook_lab.watch.rows import Sample

FOLDER = NOTEBOOKS.parent / "book" / "pictures"
STILLS = {"drain": ("08", "run = lab.watch()"), "database": ("01", "db.compare()")}
"""Name -> the chapter that shows it, and how the cell begins."""
FRAME_SECONDS = 0.5
REST_SECONDS = 3.0
"""How long the last frame stays before it begins again."""


def stored(name: str) -> NotebookNode:
    """The stored output that is this picture.

    Raises:
        StopIteration: the chapter has no such cell, or it shows no picture.
    """
    number, begins = STILLS[name]
    notebook = nbformat.read(NOTEBOOKS / chapter_numbered(number).file, as_version=4)
    cell = next(each for each in notebook.cells if each.source.startswith(begins))
    return next(output for output in cell.outputs if PICTURE in output.get("data", {}))


def says(name: str) -> str:
    """What the picture shows, in words."""
    return str(stored(name).metadata[PICTURE]["alt"])


def write_stills(folder: Path = FOLDER) -> None:
    """Write the stored outputs as files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in STILLS:
        (folder / f"{name}.png").write_bytes(base64.b64decode(stored(name).data[PICTURE]))


async def run_once() -> tuple[list[Sample], list[Mark]]:
    """A burst of 60 at two invocations at a time, and at four once 20 are stored: chapter 08's second run."""
    lab = Lab.open(chapter="08")
    lab.configure(work_seconds=0.25, batch_size=1)
    lab.create_function("subscribe")
    lab.create_mapping()
    run = lab.watch(show=False)
    run.mark("burst 60")
    lab.burst(60, cap=120)
    await run.reach("stored", 20)
    lab.set_throttle(4)
    await run.finish()
    return list(run.watch.samples), list(run.marks)


def frames(samples: Sequence[Sample], marks: Sequence[Mark]) -> Iterator[str]:
    """The live view at each moment."""
    end = max(sample.at for sample in samples)
    for i in range(1, int(end / FRAME_SECONDS) + 2):
        now = i * FRAME_SECONDS
        series = collect([each for each in samples if each.at <= now], RUN)
        yield frame(RUN, series, [mark for mark in marks if mark[0] <= now], now=now)


STYLE = """<style>
g.f {{ visibility: hidden; animation: f {lasts:g}s steps(1) infinite }}
g.l {{ animation-name: l }}
@keyframes f {{ 0% {{ visibility: visible }} {one:.3f}% {{ visibility: hidden }} }}
@keyframes l {{ 0% {{ visibility: visible }} {last:.3f}% {{ visibility: hidden }} }}
@media (prefers-reduced-motion: reduce) {{ g.f {{ animation: none }} g.l {{ visibility: visible }} }}
</style>"""
PAPER = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-16 -8 {width} {height}" role="img" aria-label="{alt}" '
    'font-size="12" font-family="system-ui,sans-serif" fill="{ink}" color="{ink}" '
    'style="--jp-layout-color0:{paper}">'
    '{style}<rect x="-16" y="-8" width="{width}" height="{height}" rx="6" fill="{paper}"/>'
)


def moving(shown: Sequence[str]) -> str:
    """The frames as one SVG that plays them for ever, on paper of its own."""
    width, height, alt = re.findall(r'viewBox="0 0 (\d+) (\d+)".*? aria-label="(.*?)"', shown[-1])[0]
    lasts = len(shown) * FRAME_SECONDS + REST_SECONDS
    part = 100 / lasts
    style = STYLE.format(lasts=lasts, one=part * FRAME_SECONDS, last=part * (FRAME_SECONDS + REST_SECONDS))
    size = {"width": int(width) + 32, "height": int(height) + 16}
    parts = [PAPER.format(alt=alt, ink=LIGHT.ink, paper=LIGHT.paper, style=style, **size)]
    for i, each in enumerate(shown):
        body, kind = each.split(">", 1)[1].removesuffix("</svg>"), "f l" if each is shown[-1] else "f"
        parts.append(f'<g class="{kind}" style="animation-delay:{i * FRAME_SECONDS:g}s">{body}</g>')
    return "\n".join([*parts, "</svg>\n"])


def write_live(folder: Path = FOLDER) -> None:
    """Run once and write the moving picture."""
    with fresh_lab():
        shown = [*frames(*asyncio.run(run_once()))]
    (folder / "live.svg").write_text(moving(shown), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write_stills()
    if "live" in sys.argv[1:]:
        write_live()
