"""Diagrams as HTML: one file without links, in which blocks open and close.

Tests ``netlang.diagram.interactive``.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import netlang

NESTED = """\
block pair(x, width: int) -> y {
  a = dense(x, width) |> relu
  y = dense(a, 8) + x
}

block both(x) = x |> pair(4) as first |> pair(5) as second

net Nested(x: f32[N, 8]) -> y: f32[N, 8] {
  h = both(x)
  y = both(h)
}
"""


def written(folder: Path, text: str = NESTED, depth: int | None = 1, **options: bool) -> str:
    net = next(iter(netlang.loads(text).values()))
    net.draw(depth=depth).save(folder / "net.html", **options)
    return (folder / "net.html").read_text("utf-8")


def test_a_page_is_one_file_without_links(tmp_path: Path) -> None:
    text = written(tmp_path)
    assert text.startswith("<!DOCTYPE html>")
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    assert f'content="{policy}"' in text
    assert not re.search(
        r"""(?:src|href)=|url\(|@import|https?://(?!www\.w3\.org/2000/svg)""", text
    )
    assert len(text) < 60_000


def test_each_box_with_layers_in_it_has_what_it_opens_to(tmp_path: Path) -> None:
    text = written(tmp_path)
    keys = set(re.findall(r'<template data-key="([\d-]+)">', text))
    assert set(re.findall(r'data-block="([\d-]+)"', text)) == keys
    # Two calls of `both`, in each two of `pair`, and in each of those two bindings.
    assert len(keys) >= 6


def test_a_net_without_blocks_has_no_buttons(tmp_path: Path) -> None:
    text = "net Halve(x: f32[N, 4]) -> y: f32[N, 2] = dense(x, 2)\n"
    assert "<button" in written(tmp_path)
    assert "<button" not in written(tmp_path, text)


def test_names_in_a_page_are_text(tmp_path: Path) -> None:
    text = NESTED.replace("h = both(x)", "## </script><b>\n  h = both(x)")
    made = written(tmp_path, text)
    assert made.count("</script>") == 1
    net = netlang.loads(NESTED)["Nested"].draw(depth=1)
    net.drawing = net.drawing.__class__(1, 1, (), "<script>alert(1)</script>")
    net.save(tmp_path / "a.html")
    assert "<title>&lt;script&gt;" in (tmp_path / "a.html").read_text("utf-8")


def test_a_page_is_as_dark_as_its_viewer_or_always(tmp_path: Path) -> None:
    assert "@media (prefers-color-scheme:dark)" in written(tmp_path)
    always = written(tmp_path, dark=True)
    assert "prefers-color-scheme" not in always
    assert "@media all{" in always


CLICKS = """
<script>
const shown = () => [...document.querySelectorAll("g.box[data-block]")].filter(
  (box) => box.getBoundingClientRect().width > 0);
const overlapping = (boxes) => boxes.some((a, i) => boxes.some((b, j) => {
  const [p, q] = [a.getBoundingClientRect(), b.getBoundingClientRect()];
  return i < j && !a.contains(b) && !b.contains(a) && p.left < q.right && q.left < p.right
    && p.top < q.bottom && q.top < p.bottom;
}));
const click = (at) => shown()[at].dispatchEvent(new MouseEvent("click", { bubbles: true }));
const state = () => [shown().length, document.querySelectorAll("svg.netlang g.opened").length,
  overlapping(shown()), Number(document.querySelector("svg.netlang").getAttribute("height"))];
const states = [state()];
click(0); states.push(state());
click(1); states.push(state());
document.querySelector("[data-action=open]").click(); states.push(state());
document.querySelector("[data-action=page]").click(); states.push(state());
document.title = "states:" + JSON.stringify(states);
</script></body>"""


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_blocks_open_and_close(tmp_path: Path) -> None:
    page = tmp_path / "clicks.html"
    page.write_text(written(tmp_path).replace("</body>", CLICKS), "utf-8")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    done = subprocess.run(
        [*command, f"--user-data-dir={tmp_path / 'profile'}", page.as_uri()],
        capture_output=True, timeout=120, check=True, text=True,
    )  # fmt: skip
    found = re.search(r"<title>states:(.*?)</title>", done.stdout)
    assert found is not None
    closed, one, two, every, again = json.loads(found[1])
    assert closed[1] == 0
    assert [one[1], two[1]] == [1, 2]
    assert one[0] > closed[0]
    assert closed[3] < one[3] < two[3] < every[3]
    assert every[1] == every[0] > two[1]
    assert not any(state[2] for state in (closed, one, two, every, again))
    assert again == closed
