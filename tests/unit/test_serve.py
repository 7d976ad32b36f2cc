"""A page asks over HTTP: every message, and everything else.

Tests ``netlang.serve`` and ``netlang.serve.messages``.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from xml.etree import ElementTree

import pytest
from commands import said
from serve_client import Page, page

from netlang.serve.messages.message import VERSION
from netlang.serve.offsets import Offsets
from netlang.serve.server import LARGEST, NOT_BUILT

ROOT = Path(__file__).parents[2]
LENET = (ROOT / "examples" / "lenet.net").read_text("utf-8")
BLOCKS = """\
## Two <script>alert(1)</script> blocks.
block double(x, out: int) -> y {
  a = conv(x, out, 3, pad=1) |> relu
  y = conv(a, out, 3, pad=1)
}

net Two(image: f32[N, 3, 32, 32]) -> y {
  stem = double(image, 8)
  y = stem |> double(16) |> flatten |> dense(10)
}
"""
WIDE = "# 😀😀\nnet A(x: f32[N, 4]) -> y {\n  h = dense(x, 8)  # 😀\n  y = dens(h, 2)\n}\n"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Page]:
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "lenet.net").write_text(LENET, "utf-8")
    with page(folder, "lenet.net") as asked:
        yield asked


def folder_of(asked: Page) -> Path:
    return asked.server.messages.folder.path


# ---- messages about a text -----------------------------------------------------------------


def test_hello_says_what_to_open_and_what_is_answered(served: Page) -> None:
    answer = served.ask("hello")
    assert answer["type"] == "welcome" and answer["version"] == VERSION
    assert (answer["folder"], answer["file"]) == ("served", "lenet.net")
    assert {"check", "train", "files"} <= set(answer["can"])
    assert "conv" in answer["words"]["layers"] and "net" in answer["words"]["keywords"]


def test_check_has_everything_about_a_text(served: Page) -> None:
    answer = served.ask("check", path="lenet.net", text=LENET)
    assert answer["type"] == "checked" and answer["problems"] == []
    assert {": f32[N, 6, 14, 14]", "out="} <= {hint["text"] for hint in answer["hints"]}
    (net,) = answer["nets"]
    assert net["current"] and net["summary"]["trainable_parameters"] == 61_706
    rows = net["summary"]["layers"]
    assert [LENET[row["start"] : row["end"]] for row in rows][:2] == [
        "conv(6, 5, pad=2)",
        "sigmoid",
    ]
    (section,) = answer["sections"]
    assert section["current"] and LENET[section["start"] :].startswith("train lenet")
    assert {each["name"] for each in answer["symbols"]} == {"LeNet", "lenet"}
    assert answer["tokens"] and answer["foldings"] and answer["lenses"]


def test_offsets_count_units_of_utf_16(served: Page) -> None:
    answer = served.ask("check", path="wide.net", text=WIDE)
    units = WIDE.encode("utf-16-le")
    (problem,) = answer["problems"]
    assert units[2 * problem["start"] : 2 * problem["end"]].decode("utf-16-le") == "dens"
    (fix,) = problem["fixes"]
    (edit,) = fix["edits"]
    assert edit == {
        "path": "wide.net", "start": problem["start"], "end": problem["end"], "text": "dense"
    }  # fmt: skip
    place = len(WIDE[: WIDE.index("dense")].encode("utf-16-le")) // 2
    hovered = served.ask("hover", path="wide.net", text=WIDE, offset=place)
    assert (hovered["start"], hovered["name"]) == (place, "dense")
    assert hovered["parts"][0] == {
        "kind": "code", "text": "f32[N, 4] -> f32[N, 8]", "language": "net"
    }  # fmt: skip


def test_offsets_convert_both_ways() -> None:
    text = "a😀b\n😀é"
    offsets = Offsets(text)
    for at in range(len(text) + 1):
        units = len(text[:at].encode("utf-16-le")) // 2
        assert offsets.units(at) == units and offsets.characters(units) == at
    assert offsets.characters(2) == 2 and offsets.characters(99) == len(text)


def test_a_net_with_an_error_has_no_table_and_the_others_do(served: Page) -> None:
    text = f"{LENET}\nnet Bad(x: f32[N, 3]) -> y = x @ x\n"
    answer = served.ask("check", path="lenet.net", text=text)
    assert [net["current"] for net in answer["nets"]] == [True, False]
    assert answer["nets"][1]["summary"] is None
    failed = served.ask("draw", path="lenet.net", text=text, name="Bad")
    assert failed["error"]["message"] == "`Bad` has errors"
    near = served.ask("draw", path="lenet.net", text=text, name="LeNt")
    assert near["error"] == {
        "rule": "unknown-net", "message": "lenet.net has no net `LeNt`", "notes": [],
        "helps": ["did you mean `LeNet`?"],
    }  # fmt: skip


def test_every_box_has_its_places_in_the_text_and_no_script(served: Page) -> None:
    assert served.ask("check", path="blocks.net", text=BLOCKS)["problems"] == []
    answer = served.ask("draw", path="blocks.net", text=BLOCKS, name="Two")
    root = ElementTree.fromstring(answer["svg"])
    kinds = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert kinds <= {"svg", "title", "g", "rect", "path", "text", "tspan", "polygon", "circle"}
    numbers = [element.get("data-box") for element in root.iter() if element.get("data-box")]
    assert numbers == [str(box["number"]) for box in answer["boxes"]]
    places = [
        [BLOCKS[each["start"] : each["end"]] for each in box["places"]] for box in answer["boxes"]
    ]
    assert places[0] == ["image"] and places[-1] == ["y"]
    assert ["conv(x, out, 3, pad=1)", "double(image, 8)"] in places
    assert all("blocks.net" not in box["tooltip"] for box in answer["boxes"])
    folded = served.ask("draw", path="blocks.net", text=BLOCKS, name="Two", depth=1)
    found = [BLOCKS[box["start"] : box["end"]] for box in folded["boxes"]]
    assert "double(image, 8)" in found and len(found) < len(places)
    wrong = served.ask("draw", path="blocks.net", text=BLOCKS, name="Two", depth=0)
    assert wrong["error"]["message"] == "`depth` is 0, and must be at least 1"


def test_places_move_with_the_text_that_is_not_evaluated_again(served: Page) -> None:
    served.ask("check", path="blocks.net", text=BLOCKS)
    text = f"# one\n# two\n{BLOCKS}"
    answer = served.ask("check", path="blocks.net", text=text)
    row = answer["nets"][0]["summary"]["layers"][0]
    assert text[row["start"] : row["end"]] == "conv(x, out, 3, pad=1)"


def test_a_long_table_is_folded(served: Page) -> None:
    layers = " |> ".join(["dense(4)"] * 120)
    body = "\n".join(f"  a{n} = {'x' if n == 0 else f'a{n - 1}'} |> {layers}" for n in range(2))
    text = f"net Deep(x: f32[N, 4]) -> y {{\n{body}\n  y = relu(a1)\n}}\n"
    (net,) = served.ask("check", path="deep.net", text=text)["nets"]
    assert net["summary"]["depth"] == 1 and len(net["summary"]["layers"]) <= 200


def test_only_the_tables_that_are_named_are_computed(served: Page) -> None:
    text = f"{LENET}\n{BLOCKS}"
    for named, found in ((None, ["LeNet", "Two"]), (["Two"], ["Two"]), ([], [])):
        nets = served.ask("check", path="a.net", text=text, summaries=named)["nets"]
        assert [net["name"] for net in nets if net["summary"] is not None] == found
        assert all(net["current"] for net in nets)


def test_explain_finds_the_layer_of_the_line(served: Page) -> None:
    call = LENET.index("conv(6")
    for offset in (call, call + 6, LENET.index("c1")):
        answer = served.ask("explain", path="lenet.net", text=LENET, offset=offset)
        assert answer["type"] == "explained" and answer["name"] == "conv"
        texts = [part["text"] for part in answer["parts"]]
        assert any("(28 + 2·2 - 5) / 1 + 1 = 28" in text for text in texts)
        assert any(text.startswith("conv: a block") for text in texts)
    nothing = served.ask("explain", path="empty.net", text="\n\n", offset=1)
    assert (nothing["start"], nothing["end"], nothing["parts"]) == (1, 1, [])


def test_complete_and_format(served: Page) -> None:
    text = "net A(x: f32[N, 4]) -> y {\n  y = den\n}\n"
    found = served.ask("complete", path="a.net", text=text, offset=text.index("den") + 3)
    dense = next(each for each in found["candidates"] if each["label"] == "dense")
    assert (dense["kind"], text[dense["start"] : dense["end"]]) == ("block", "den")
    formatted = served.ask("format", path="a.net", text="net A(x:f32[N,4])->y=dense(x,2)")
    assert formatted["text"] == "net A(x: f32[N, 4]) -> y = dense(x, 2)\n"
    assert served.ask("format", path="a.net", text="net A(")["text"] is None


def test_other_texts_and_files_are_imported(served: Page) -> None:
    text = 'from "lib.net" import twice\n\nnet A(x: f32[N, 4]) -> y = twice(x)\n'
    library = "block twice(x) = x |> dense(3) |> dense(4)\n"
    missing = served.ask("check", path="a.net", text=text)
    assert missing["problems"][0]["rule"] == "import-file"
    held = served.ask("check", path="a.net", text=text, texts={"lib.net": library})
    assert held["problems"] == []
    (folder_of(served) / "lib.net").write_text(library, "utf-8")
    assert served.ask("check", path="a.net", text=text)["problems"] == []
    (folder_of(served) / "lib.net").write_text(library.replace("dense(4)", "dens(4)"), "utf-8")
    (problem,) = served.ask("check", path="a.net", text=text)["problems"]
    changed = library.replace("dense(4)", "dens(4)")
    assert (problem["path"], changed[problem["start"] : problem["end"]]) == ("lib.net", "dens")


# ---- files ----------------------------------------------------------------------------------


def test_a_file_is_opened_and_saved_unless_it_was_changed(served: Page) -> None:
    path = folder_of(served) / "lenet.net"
    opened = served.ask("open", path="lenet.net")
    assert opened["text"] == LENET and opened["writable"]
    saved = served.ask("save", path="lenet.net", text="# new\n", revision=opened["revision"])
    assert saved["type"] == "saved" and path.read_text("utf-8") == "# new\n"
    again = served.ask("save", path="lenet.net", text="# old\n", revision=opened["revision"])
    assert (again["type"], again["text"]) == ("conflict", "# new\n")
    assert path.read_text("utf-8") == "# new\n"
    over = served.ask("save", path="lenet.net", text="# old\n", revision=again["revision"])
    assert over["type"] == "saved" and path.read_text("utf-8") == "# old\n"
    path.unlink()
    gone = served.ask("save", path="lenet.net", text="# old\n", revision=over["revision"])
    assert gone["type"] == "conflict" and not path.exists()


def test_a_new_file_replaces_none(served: Page) -> None:
    assert served.ask("save", path="new.net", text="# a\n")["type"] == "saved"
    assert served.ask("save", path="new.net", text="# b\n")["type"] == "conflict"
    assert (folder_of(served) / "new.net").read_text("utf-8") == "# a\n"
    nowhere = served.ask("save", path="no/new.net", text="")
    assert nowhere["error"]["message"] == "cannot write no/new.net: there is no folder `no`"


def test_of_two_saves_at_once_one_is_a_conflict(served: Page) -> None:
    folder = served.server.messages.folder
    path = folder_of(served) / "lenet.net"
    for number in range(20):
        revision = folder.open("lenet.net").revision
        texts = [f"# {number} {who}\n" for who in "ab"]
        with ThreadPoolExecutor(2) as pool:
            saves = [pool.submit(folder.save, "lenet.net", text, revision) for text in texts]
            found = [each.result() for each in saves]
        kinds = [type(each).__name__ for each in found]
        assert sorted(kinds) == ["Conflict", "Saved"]
        assert path.read_text("utf-8") == texts[kinds.index("Saved")]


def test_a_deleted_file_can_be_saved_again_and_a_link_stays_one(served: Page) -> None:
    folder = folder_of(served)
    opened = served.ask("open", path="lenet.net")
    (folder / "lenet.net").unlink()
    gone = served.ask("save", path="lenet.net", text="# a\n", revision=opened["revision"])
    assert (gone["type"], gone["revision"]) == ("conflict", "")
    assert served.ask("save", path="lenet.net", text="# a\n", revision="")["type"] == "saved"
    (folder / "link.net").symlink_to("lenet.net")
    revision = served.ask("open", path="link.net")["revision"]
    served.ask("save", path="link.net", text="# b\n", revision=revision)
    assert (folder / "link.net").is_symlink()
    assert (folder / "lenet.net").read_text("utf-8") == "# b\n"


def test_a_file_keeps_its_line_ends(served: Page) -> None:
    path = folder_of(served) / "windows.net"
    path.write_bytes(b"\xef\xbb\xbf# one\r\n# two\r\n")
    opened = served.ask("open", path="windows.net")
    assert opened["text"] == "# one\n# two\n"
    served.ask("save", path="windows.net", text="# one\n# 2\n", revision=opened["revision"])
    assert path.read_bytes() == b"\xef\xbb\xbf# one\r\n# 2\r\n"


def test_the_programs_below_the_folder_are_listed(served: Page) -> None:
    below = folder_of(served) / "more" / "deep"
    below.mkdir(parents=True)
    (below / "a.net").write_text("# a\n", "utf-8")
    (below / "notes.txt").write_text("", "utf-8")
    (folder_of(served) / ".hidden").mkdir()
    (folder_of(served) / ".hidden" / "b.net").write_text("", "utf-8")
    listed = served.ask("files")
    assert [each["path"] for each in listed["files"]] == [
        "lenet.net", "more/deep/a.net"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "path",
    ["../out.net", "/etc/passwd", "more/../../out.net", "", ".", "..", "\0.net", "link.net",
     "linked/out.net", "//etc/x.net"],
)  # fmt: skip
@pytest.mark.parametrize("message", ["open", "save", "check", "train"])
def test_no_path_leads_out_of_the_folder(
    served: Page, tmp_path: Path, path: str, message: str
) -> None:
    outside = tmp_path / "out.net"
    outside.write_text("# secret\n", "utf-8")
    (folder_of(served) / "link.net").symlink_to(outside)
    (folder_of(served) / "linked").symlink_to(tmp_path, target_is_directory=True)
    fields = {"path": path} | ({} if message == "open" else {"text": "# mine\n"})
    answer = served.train(**fields)[0] if message == "train" else served.ask(message, **fields)
    assert answer["type"] == "error"
    assert answer["error"]["message"] == f"`{path}` is not in the folder `served`"
    assert outside.read_text("utf-8") == "# secret\n"


def test_only_programs_are_read_and_written(served: Page) -> None:
    (folder_of(served) / "key.txt").write_text("secret", "utf-8")
    for message in ({"type": "open"}, {"type": "save", "text": "x"}):
        answer = served.ask(**message, path="key.txt")
        assert answer["error"]["message"] == "`key.txt` is not a program"
    assert (folder_of(served) / "key.txt").read_text("utf-8") == "secret"
    missing = served.ask("open", path="lennet.net")
    assert missing["error"]["rule"] == "no-such-file"


# ---- requests that are rejected ---------------------------------------------------------------


def rejected(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, str]:
    status, headers, content = answer
    assert headers["Content-Type"] == "application/json"
    found = json.loads(content)
    assert found["type"] == "error"
    return status, found["error"]["message"]


HELLO = '{"version": 1, "id": 1, "type": "hello"}'


def test_a_browser_is_started_without_the_token(served: Page) -> None:
    """Its command line is public: the address there leads to the page once."""
    server = served.server
    address = server.one_time_address()
    assert server.token not in address
    path = address.removeprefix(f"http://127.0.0.1:{server.port}")
    assert served.raw("", "HEAD", path)[0] == 404
    assert served.raw("", "GET", path, Host="evil.example")[0] == 403
    assert served.raw("", "GET", "/once/guess")[0] == 403
    status, headers, content = served.raw("", "GET", path)
    assert (status, headers["Location"], content) == (303, f"/#token={server.token}", b"")
    assert headers["Cache-Control"] == "no-store"
    status, headers, content = served.raw("", "GET", path)
    assert status == 403 and headers["Content-Type"] == "text/plain; charset=utf-8"
    assert content.decode() == (
        "This address works once, and was opened before. Open the one that `netlang serve` "
        "printed.\n\nIf the page never opened, somebody else on this machine has it: end "
        "`netlang serve`.\n"
    )
    before, after = (server.one_time_address().partition("/once/")[2] for _ in range(2))
    assert served.raw("", "GET", f"/once/{before}")[0] == 403
    assert served.raw("", "GET", f"/once/{after}")[0] == 303


def test_netlang_serve_opens_the_address_that_works_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    ended = nullcontext(lambda: True)
    monkeypatch.setattr("netlang.cli.commands.tools.serve.interruptible", lambda: ended)
    code, printed, _ = said(capsys, "serve", tmp_path)
    assert code == 0 and "/#token=" in printed
    assert len(opened) == 1 and "/once/" in opened[0] and "token" not in opened[0]


def test_only_the_page_may_ask(served: Page) -> None:
    wrong = "the token is missing or wrong: open the address that netlang serve printed"
    assert rejected(served.raw(HELLO, X_Netlang_Token="guess")) == (403, wrong)
    assert rejected(served.raw(HELLO, X_Netlang_Token="")) == (403, wrong)
    assert rejected(served.raw(HELLO, X_Netlang_Token="é")) == (403, wrong)
    other = "this address is not the one of the page"
    for host in ("evil.example", f"evil.example:{served.server.port}", "127.0.0.1", "localhost:1"):
        assert rejected(served.raw(HELLO, Host=host)) == (403, other)
        assert rejected(served.raw("", "GET", "/", Host=host)) == (403, other)
    assert rejected(served.raw(HELLO, Origin="http://evil.example")) == (
        403, "another page may not ask"
    )  # fmt: skip
    assert served.raw(HELLO, Origin=f"http://localhost:{served.server.port}")[0] == 200
    assert served.raw(HELLO, Host=f"localhost:{served.server.port}")[0] == 200


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("", "Input data was truncated"),
        ("{", "Input data was truncated"),
        ("[]", "Expected `object`, got `array`"),
        ('{"version": 1, "type": "hack"}', "Invalid value 'hack' - at `$.type`"),
        ('{"version": 1}', "Object missing required field `type`"),
        ('{"type": "check", "text": ""}', "Object missing required field `path`"),
        ('{"type": "check", "path": 3, "text": ""}', "Expected `str`, got `int` - at `$.path`"),
        ('{"type": "hover", "path": "a.net", "text": "", "offset": 1e400}', "at `$.offset`"),
        ('{"type": "predict", "drawing": [["a"]]}', "Expected `float`, got `str`"),
        ('{"type": "predict", "image": {"name": "a", "bytes": "%"}}', "Invalid base64"),
        ('{"type": "hello", "id": ' + "[" * 100_000, ""),
        (b'{"type": "open", "path": "\xff"}', ""),
    ],
)
def test_anything_but_a_message_is_rejected(served: Page, data: str | bytes, why: str) -> None:
    status, message = rejected(served.raw(data))
    assert status == 400 and message.startswith("this is not a message: ") and why in message


def test_a_message_of_another_version_is_rejected(served: Page) -> None:
    assert rejected(served.raw('{"version": 2, "type": "hello"}')) == (
        400, "this netlang has version 1 of the messages, not 2"
    )  # fmt: skip


def test_bodies_have_a_length_a_type_and_a_limit(served: Page) -> None:
    assert rejected(served.raw(HELLO, Content_Type="text/plain"))[0] == 415
    assert rejected(served.raw(HELLO, path="/other"))[0] == 404
    connection = http.client.HTTPConnection("127.0.0.1", served.server.port, timeout=30)
    for length, status in ((str(LARGEST + 1), 413), ("9" * 40, 413), ("-1", 411), ("x", 411)):
        connection.putrequest("POST", "/message")
        for name, text in served.headers({"Content-Length": length}).items():
            connection.putheader(name, text)
        connection.endheaders()
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Connection")) == (status, "close")
        answer.read()
        connection.close()
    assert served.raw("", "PUT")[0] == 501
    assert served.ask("hello")["type"] == "welcome"


def test_text_that_no_one_would_write_gives_answers(served: Page) -> None:
    for text in ("\0", "net " * 1000, "(" * 5000, "a = " + "-" * 3000 + "1", "😀" * 100):
        answer = served.ask("check", path="odd.net", text=text)
        assert answer["type"] in ("checked", "error"), answer
        assert answer.get("error", {}).get("rule") != "internal"
    for offset in (-5, 0, 10**9):
        assert served.ask("hover", path="a.net", text=LENET, offset=offset)["type"] == "hovered"


# ---- the files of the page -------------------------------------------------------------------


def test_the_files_of_the_page_have_types_and_tags(tmp_path: Path) -> None:
    static = tmp_path / "static"
    (static / "fonts").mkdir(parents=True)
    (static / "index.html").write_text("<!doctype html>", "utf-8")
    (static / "main.js").write_text("1", "utf-8")
    (static / "fonts" / "a.woff2").write_bytes(b"x")
    (static / ".secret").write_text("x", "utf-8")
    (tmp_path / "out.js").write_text("x", "utf-8")
    with page(tmp_path, static=static) as asked:
        script = "text/javascript; charset=utf-8"
        types = {"/main.js": script, "/main.js?v=1": script, "/fonts/a.woff2": "font/woff2"}
        types["/"] = "text/html; charset=utf-8"
        for path, type in types.items():
            status, headers, _ = asked.raw("", "GET", path)
            assert (status, headers["Content-Type"]) == (200, type)
            assert "unsafe" not in headers["Content-Security-Policy"]
            assert headers["X-Content-Type-Options"] == "nosniff"
        status, headers, content = asked.raw("", "GET", "/", If_None_Match='"other"')
        assert (status, content) == (200, b"<!doctype html>")
        tag = headers["ETag"]
        assert asked.raw("", "GET", "/", If_None_Match=tag)[::2] == (304, b"")
        status, headers, content = asked.raw("", "HEAD", "/main.js")
        assert (status, headers["Content-Length"], content) == (200, "1", b"")
        for path in ("/../out.js", "/%2e%2e/out.js", "/.secret", "//out.js", "/x", "/fonts"):
            assert asked.raw("", "GET", path)[0] == 404


def test_a_page_that_is_not_built_says_so(tmp_path: Path) -> None:
    with page(tmp_path, static=tmp_path / "none") as asked:
        status, headers, content = asked.raw("", "GET", "/")
        assert (status, content.decode()) == (503, NOT_BUILT)
        assert headers["Content-Type"] == "text/plain; charset=utf-8"
        assert asked.ask("hello")["type"] == "welcome"
