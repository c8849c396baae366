"""One frame of the live view: text of an SVG that follows JupyterLab's theme. Panels share one axis of time.

The paths come ready from `Series`, in its own units; each panel only says how to scale them.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from webhook_lab.show.axes import LANE, axis_end, flags, rows_above, spread, tick, values_below
from webhook_lab.show.series import PATH_SECOND, Line, Mark, Panel, Series, details, findings, number
from webhook_lab.show.size import SHOWN, WIDTH, in_lines
from webhook_lab.show.theme import INK, css_mixed

_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 118, 88, 26  # around the panels
_TALL, _LOW, _GAP = 120, 70, 32  # the first panel, the others, and between them
_TITLE = 20  # from one line of the title to the next
_APART = 15  # between the middles of two labels
_HALO = 'style="paint-order:stroke;stroke:var(--jp-layout-color0,Canvas);stroke-width:4px"'
"""Around words that the lines of marks run through."""


def frame(panels: Sequence[Panel], series: Mapping[str, Series], marks: Sequence[Mark], *, now: float) -> str:
    """The panels at `now` seconds into the run."""
    end = axis_end(now)
    scale = (WIDTH - _LEFT - _RIGHT) / end
    places = flags([(_LEFT + at * scale, label) for at, label in marks], high=WIDTH)
    says, *more = findings(panels, series)
    title = in_lines(says)
    lower = _TITLE * (len(title) - 1)
    top = _TOP + lower + rows_above(places)
    height = top + _BOTTOM + sum(_height(i) for i in range(len(panels))) + _GAP * (len(panels) - 1)
    head = (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" style="width:{SHOWN}px;max-width:100%;height:auto;'
        f'color:var(--jp-content-font-color1,{INK})" font-size="12" fill="{INK}" '
        f'font-family="var(--jp-ui-font-family,system-ui,sans-serif)" '
        f'aria-label="{escape(". ".join([says, *more, details(panels, series, marks)]))}">'
        f'<text x="0" y="{38 + lower}">{escape("".join(more))}</text>'
    )
    parts, y = [head], top
    bottom = height - _BOTTOM
    parts += [
        f'<text x="0" y="{18 + _TITLE * i}" font-size="16" font-weight="600">{escape(line)}</text>'
        for i, line in enumerate(title)
    ]
    parts += [
        f'<path d="M{_LEFT + at * scale:g},{top - 36 - LANE * (row or 0)}V{bottom}" stroke="{INK}" '
        'stroke-dasharray="2 3" opacity=".6"/>'
        for (at, _), (_, row) in zip(marks, places, strict=True)
    ]
    for i, panel in enumerate(panels):
        parts.append(f'<g transform="translate({_LEFT},{y})">')
        parts += _panel(panel, series, _height(i), scale, now=now)
        parts.append("</g>")
        y += _height(i) + _GAP
    parts += _times(end, scale, bottom)
    parts += [
        f'<text x="{begins:g}" y="{top - 29 - LANE * row}" {_HALO}>{escape(label)}</text>'
        for (_, label), (begins, row) in zip(marks, places, strict=True)
        if row is not None
    ]
    return "".join([*parts, "</svg>"])


def _height(panel: int) -> int:
    return _LOW if panel else _TALL


def _panel(
    panel: Panel, series: Mapping[str, Series], height: float, scale: float, *, now: float
) -> Iterator[str]:
    top = panel.top(series)
    yield f'<text x="{-_LEFT}" y="-12" fill-opacity=".75" {_HALO}>{escape(panel.title)}</text>'
    for value in values_below(top):
        y, strength = height * (1 - value / top), 0.12 if value else 0.45
        yield (
            f'<path d="M0,{y:g}h{WIDTH - _LEFT - _RIGHT}" stroke="{INK}" stroke-opacity="{strength}"/>'
            f'<text x="-7" y="{y + 4:g}" text-anchor="end" opacity=".75">{number(value)}</text>'
        )
    drawn = panel.seen(series)
    for line in drawn:
        yield _line(line, series[line.metric], height, scale, height / top, now=now)
    # Names stand in one column that no line has reached, and of equal values in the still picture's order.
    x = max([now, *(series[line.metric].points[-1][0] for line in drawn)]) * scale + 9
    named = drawn[::-1]
    ends = [height * (1 - series[line.metric].last / top) for line in named]
    for line, y in zip(named, spread(ends, apart=_APART, low=2, high=height - 7), strict=True):
        yield (
            f'<text x="{x:g}" y="{y + 4:g}" font-weight="600" style="fill:{css_mixed(line.colour)}">'
            f"{escape(line.label)} {number(series[line.metric].last)}</text>"
        )


def _until(line: Line, series: Series, now: float) -> float:
    """How far to draw: a limit holds until now, anything else is known up to its newest sample."""
    return max(now, series.points[-1][0]) if line.limit else series.points[-1][0]


def _line(line: Line, series: Series, height: float, across: float, up: float, *, now: float) -> str:
    end, colour = _until(line, series, now), css_mixed(line.colour)
    path = series.path + (f"H{round(end * PATH_SECOND)}" if line.limit else "")
    scaled = f'transform="matrix({across / PATH_SECOND:.6g},0,0,{-up:.6g},0,{height:g})"'
    drawn = (
        f'<path d="{path}" {scaled} fill="none" style="stroke:{colour}" vector-effect="non-scaling-stroke" '
        f'stroke-linejoin="round" stroke-width="{1.5 if line.colour == INK else 2.25}"'
    )
    if line.limit:
        return f'{drawn} stroke-dasharray="5 4"/>'
    x, y = end * across, height - series.last * up
    drawn += f'/><circle cx="{x:g}" cy="{y:g}" r="3.5" style="fill:{colour}"/>'
    if not line.filled:
        return drawn
    below = f"{path}V0H{round(series.points[0][0] * PATH_SECOND)}Z"
    return f'<path d="{below}" {scaled} style="fill:{colour}" fill-opacity=".16"/>{drawn}'


def _times(end: int, scale: float, y: float) -> Iterator[str]:
    step = tick(end)
    for second in range(0, end + 1, step):
        unit = " s" if second + step > end else ""
        yield (
            f'<text x="{_LEFT + second * scale:g}" y="{y + 18}" text-anchor="middle" opacity=".75">'
            f"{second:,}{unit}</text>"
        )
