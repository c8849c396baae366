"""One setting for a room: letters and lines half as large again, in charts, cards, board and live view."""

import json
import os
import subprocess
import sys
from functools import cache

import pytest

SHOWS = """
import io, json, re, sys
sys.path.insert(0, ".")
from matplotlib.image import imread
from tests.unit.test_charts import CHARTS, RUN, collect, samples_of, texts_of
from tests.unit.test_database_charts import CRASHES, NAIVE, POOLER, QUEUE, RETRIED
from webhook_lab.show.board import Board
from webhook_lab.show.card import Card
from webhook_lab.show.database_charts import designs_chart, limits_chart
from webhook_lab.show.live_svg import frame

designs = lambda: designs_chart([NAIVE, RETRIED, QUEUE, POOLER, *CRASHES])
charts = {name: make() for name, make in {**CHARTS, "limits": limits_chart, "designs": designs}.items()}

def off_the_paper(figure):
    high = figure.bbox.height
    return [t for t, box in texts_of(figure)
            if box.x0 < 0 or box.y0 < 0 or box.x1 > figure.bbox.width or box.y1 > high]

run = charts["run"]
svg = frame(RUN, collect(samples_of(messages=60, then=4), RUN), [(8, "throttle 4")], now=20)
sheet, shown = (int(re.search(what, svg)[1]) for what in (r'viewBox="0 0 (\\d+)', r'style="width:(\\d+)px'))
print(json.dumps({
    "letters": run.figure.texts[0].get_size() / run.figure.get_figwidth(),
    "shown": run.bundle()[1]["image/png"]["width"],
    "pixels": {imread(io.BytesIO(chart.png())).shape[1] for chart in charts.values()}.pop(),
    "live": shown / sheet,
    "live shown": shown,
    "card": "font-size: 150%" in Card("SQS queue")._repr_html_(),
    "board": "zoom:1.5" in Board((), ())._repr_html_(),
    "off the paper": {name: off for name, chart in charts.items() if (off := off_the_paper(chart.figure))},
}))
"""


@cache
def shows(projector: str) -> dict:
    environ = {**os.environ, "WEBHOOK_LAB_PROJECTOR": projector}
    answer = subprocess.run(
        [sys.executable, "-c", SHOWS], env=environ, capture_output=True, text=True, timeout=120, check=True
    )
    return json.loads(answer.stdout)


def test_letters_grow_by_half_in_charts_cards_the_board_and_the_live_view_and_pictures_stay_as_wide():
    desk, room = shows("0"), shows("1")
    assert room["letters"] == pytest.approx(1.5 * desk["letters"])
    assert room["live"] == pytest.approx(1.5 * desk["live"])
    assert (desk["card"], room["card"]) == (False, True)
    assert (desk["board"], room["board"]) == (False, True)
    for same in ("shown", "live shown", "pixels"):
        assert room[same] == desk[same]


@pytest.mark.parametrize("projector", ["", "0", "1"])
def test_nothing_is_off_the_paper(projector):
    assert shows(projector)["off the paper"] == {}
