"""How large pictures and cards are shown: as one reads them at a desk, or from the last row of a room.

WEBHOOK_LAB_PROJECTOR=1, set before the kernel starts, makes letters and lines half as large again. Pictures
stay as wide: they are drawn on a narrower sheet, in the same points and pixels, and shown as wide as ever.
"""

import os
from textwrap import wrap

PROJECTOR = "WEBHOOK_LAB_PROJECTOR"
LARGER = 1.5 if os.environ.get(PROJECTOR, "0") not in ("", "0") else 1.0
"""How many times as large as at a desk."""
SHOWN = 960
"""Pixels on a page that a picture is wide. Of a still one twice as many are drawn, for fine screens."""
WIDTH = round(SHOWN / LARGER)
"""Pixels of the sheet that it is drawn on."""
_LETTER = 9.6  # pixels of the sheet: a letter of a title


def in_lines(title: str, wide: int = WIDTH) -> list[str]:
    """A picture's title, in as many lines as it needs on a sheet so wide."""
    return wrap(title, int((wide - 16) / _LETTER)) or [""]
