"""Colours of every drawing: Okabe and Ito's palette, which everyone can tell apart, on light or dark."""

import re
from dataclasses import dataclass
from pathlib import Path

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
"""Queues, functions, the table, and what came twice."""
INK = "currentColor"
"""Whatever colour the reader's text has."""

_STRONG = 0.72  # how much of a colour stays; the rest is ink: small letters are readable on both papers


@dataclass(frozen=True)
class Theme:
    """Paper and ink of a picture that cannot follow its reader's."""

    paper: str
    ink: str

    def mixed(self, colour: str) -> str:
        """`colour` as it stands out on this paper."""
        if colour == INK:
            return self.ink
        parts = zip(_channels(colour), _channels(self.ink), strict=True)
        return "#" + "".join(f"{round(_STRONG * own + (1 - _STRONG) * ink):02x}" for own, ink in parts)


LIGHT = Theme("#ffffff", "#1f2328")
DARK = Theme("#111111", "#e6edf3")


def css_mixed(colour: str) -> str:
    """`Theme.mixed` for a drawing that follows its reader's ink, as a CSS colour."""
    return INK if colour == INK else f"color-mix(in srgb,{colour} {_STRONG:.0%},{INK})"


def theme_in_jupyterlab() -> Theme:
    """What this user chose for JupyterLab, by its settings file; light when that does not say."""
    from jupyter_core.paths import jupyter_config_dir

    settings = Path(jupyter_config_dir(), "lab", "user-settings", "@jupyterlab", "apputils-extension")
    try:
        chosen = (settings / "themes.jupyterlab-settings").read_text(encoding="utf-8")
    except OSError:
        return LIGHT
    return DARK if re.search(r'^[\s{]*"theme"\s*:\s*"[^"]*\bDark\b', chosen, re.MULTILINE) else LIGHT


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour.removeprefix("#")))
