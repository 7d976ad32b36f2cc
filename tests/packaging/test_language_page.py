"""``docs/language.md`` leads through the specification, as it is now; ``--update`` writes it.

What comes before the list of all rules is written by hand.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SPECIFICATION = CHECKOUT / "tests" / "spec" / "language"
PAGE = CHECKOUT / "docs" / "language.md"
ORDER = (
    "tour", "literals", "names", "dimensions", "values", "calls", "definitions", "files",
    "sequences", "data", "train", "optimizers", "time", "sound",
)  # fmt: skip
MARK = "## All rules\n"
"""Above it is text, below it the list."""


def test_the_page_leads_to_every_rule(request: pytest.FixtureRequest) -> None:
    assert sorted(ORDER) == sorted(path.stem for path in SPECIFICATION.glob("*.md"))
    rules = "".join(map(contents, ORDER))
    head, mark, _ = PAGE.read_text("utf-8").partition(MARK)
    text = f"{head}{mark}{rules}"
    if request.config.getoption("--update"):
        PAGE.write_text(text, "utf-8")
    assert PAGE.read_text("utf-8") == text


def test_the_grammar_is_where_the_page_says() -> None:
    assert (PAGE.parent / "../grammars/netlang.lark").is_file()


def contents(name: str) -> str:
    """Return the title of a page and its rules, as links."""
    page = (SPECIFICATION / f"{name}.md").read_text("utf-8")
    text = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    title, *_ = re.findall(r"^# (.*)$", text, re.MULTILINE)
    rules = re.findall(r"^## (.*)$", text, re.MULTILINE)
    path = f"../tests/spec/language/{name}.md"
    listed = "".join(f"- [{rule}]({path}#{anchor(rule)})\n" for rule in rules)
    return f"\n### {title}\n\n{listed}" if rules else f"\n### [{title}]({path})\n"


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
