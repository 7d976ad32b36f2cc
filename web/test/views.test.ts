/** What is shown is made of known elements, and follows the cursor. */

import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { bytes, element, grouped } from "../src/elements.ts";
import { ranked } from "../src/files.ts";
import { fit, moved, showing, whole, within, zoomed } from "../src/views/camera.ts";
import { adaptive } from "../src/views/colors.ts";
import { nearest } from "../src/views/places.ts";
import { explanation, prose } from "../src/views/prose.ts";
import { importDiagram } from "../src/views/svg.ts";

const SVG = 'xmlns="http://www.w3.org/2000/svg"';

test("a diagram keeps its shapes, texts and numbers", () => {
  const diagram = importDiagram(
    `<svg ${SVG} viewBox="0 0 9 8"><g class="box" data-box="3"><title>c1 &lt;b&gt;</title>` +
      '<rect x="1.5" y="-2" width="3" height="4" rx="2" fill="#cfe5f6" stroke="#2b7bba"/>' +
      '<text x="1" y="2" text-anchor="middle"><tspan font-weight="bold">c1</tspan> conv</text></g></svg>',
  );
  const group = diagram.querySelector("g");
  assert.equal(group?.getAttribute("data-box"), "3");
  assert.equal(group?.querySelector("title")?.textContent, "c1 <b>");
  assert.equal(group?.querySelector("text")?.textContent, "c1 conv");
  assert.equal(group?.querySelector("rect")?.getAttribute("fill"), "#cfe5f6");
  assert.equal(diagram.getAttribute("viewBox"), "0 0 9 8");
});

const HOSTILE = [
  "<script>alert(1)</script>",
  '<g onclick="alert(1)" onload="alert(1)"/>',
  '<a href="javascript:alert(1)"><text>x</text></a>',
  '<image href="http://example.org/x.png"/>',
  '<use href="#x"/>',
  "<style>* { display: none }</style>",
  '<rect style="background: url(http://example.org)"/>',
  '<rect fill="url(http://example.org/#a)"/>',
  "<foreignObject><b xmlns='http://www.w3.org/1999/xhtml'>x</b></foreignObject>",
  '<set attributeName="href" to="x"/>',
];

for (const hostile of HOSTILE) {
  test(`a diagram loses ${hostile}`, () => {
    const diagram = importDiagram(`<svg ${SVG}><title>t</title>${hostile}</svg>`);
    const text = diagram.outerHTML;
    assert.doesNotMatch(text, /script|onclick|onload|href|image|use|style|url|foreign|<b|set/i);
    assert.match(text, /<title>t<\/title>/);
  });
}

test("what is not a diagram is an error", () => {
  assert.throws(() => importDiagram("<p>no</p>"));
});

test("elements hold texts as they are", () => {
  const made = element("p", { title: "<b>", hidden: false, tabindex: 0 }, "<script>x</script>");
  assert.equal(made.textContent, "<script>x</script>");
  assert.equal(made.children.length, 0);
  assert.equal(made.getAttribute("title"), "<b>");
  assert.equal(made.hasAttribute("hidden"), false);
});

test("backticks mark code, hyphens begin lists, nothing else is markup", () => {
  const text = prose("replace `dens` by `dense`\n- one `x`\n- two\n<i>not</i>");
  assert.deepEqual(
    [...text.children].map(({ tagName, textContent }) => [tagName, textContent]),
    [
      ["P", "replace dens by dense"],
      ["UL", "one xtwo"],
      ["P", "<i>not</i>"],
    ],
  );
  assert.deepEqual(
    [...text.querySelectorAll("code")].map(({ textContent }) => textContent),
    ["dens", "dense", "x"],
  );
});

test("a long code is folded under its first line", () => {
  const page = ["conv: a block", "", ...Array.from({ length: 20 }, (_, at) => `line ${at}`)];
  const [short, long] = explanation([
    { kind: "code", text: "c1: f32[N]" },
    { kind: "code", text: page.join("\n") },
  ]);
  assert.equal(short?.tagName, "PRE");
  assert.equal(long?.tagName, "DETAILS");
  assert.equal(long?.querySelector("summary")?.textContent, "conv: a block");
  assert.match(long?.querySelector("pre")?.textContent ?? "", /^line 0/);
});

test("the nearest range is the smallest around the cursor, or one on its line", () => {
  const items = [
    { start: 0, end: 50, name: "net" },
    { start: 10, end: 20, name: "c1" },
    { start: 30, end: 40, name: "c2" },
    { start: null, end: null, name: "input" },
  ];
  const at = (offset: number, line = { from: 0, to: 60 }) =>
    nearest(items, offset, line).map(({ name }) => name);
  assert.deepEqual(at(15), ["c1"]);
  assert.deepEqual(at(25), ["net"]);
  assert.deepEqual(at(55, { from: 25, to: 60 }), ["c2"]);
  assert.deepEqual(at(70, { from: 65, to: 80 }), []);
  // Two layers of a block, and the calls of the block.
  const inside = (start: number, ...places: { start: number; end: number }[]) => ({
    start,
    end: start + 5,
    places: [{ start, end: start + 5 }, ...places],
  });
  const [a, b] = [inside(0, { start: 30, end: 60 }), inside(10, { start: 30, end: 60 })];
  assert.deepEqual(nearest([a, b], 2, { from: 0, to: 20 }), [a]);
  assert.deepEqual(nearest([a, b], 40, { from: 30, to: 60 }), [a, b]);
  assert.deepEqual(nearest([a, b], 25, { from: 22, to: 60 }), [a, b]);
});

test("colors get a counterpart for dark grounds, others stay", () => {
  assert.equal(adaptive("white"), "light-dark(white, hsl(0 0% 13%))");
  assert.equal(adaptive("#cfe5f6"), "light-dark(#cfe5f6, hsl(206 38% 22%))");
  assert.equal(adaptive("none"), "none");
});

test("counts and sizes are written as in the terminal", () => {
  assert.equal(grouped(61706), "61,706");
  assert.equal(grouped("784*H"), "784*H");
  assert.deepEqual(
    [bytes(480), bytes(246_824), bytes(1_048_576 * 12)],
    ["480 B", "241 KiB", "12 MiB"],
  );
  assert.equal(bytes(1023 * 1024), "0.999 MiB");
});

const WINDOW = { width: 400, height: 300 };

test("a diagram is shown whole if it can be read, else its top", () => {
  assert.deepEqual(fit({ width: 400, height: 300 }, WINDOW), { x: 0, y: 0, scale: 1 });
  assert.equal(fit({ width: 400, height: 3000 }, WINDOW).scale, 1);
  assert.equal(fit({ width: 400, height: 3000 }, WINDOW).y, 0);
  assert.equal(whole({ width: 400, height: 3000 }, WINDOW).scale, 0.1);
  assert.equal(fit({ width: 100, height: 50 }, WINDOW).scale, 1.25);
});

test("zooming keeps the point under the pointer, panning stops at the edges", () => {
  const diagram = { width: 1000, height: 1000 };
  const near = zoomed({ x: 100, y: 100, scale: 1 }, 2, { x: 50, y: 20 });
  assert.deepEqual(near, { x: 125, y: 110, scale: 2 });
  const far = within(moved(near, 99_999, -99_999), diagram, WINDOW);
  assert.deepEqual(far, { x: 800, y: 0, scale: 2 });
});

test("a box is brought into view only if it is not", () => {
  const diagram = { width: 400, height: 3000 };
  const camera = { x: 0, y: 0, scale: 1 };
  const at = (y: number) => ({ x: 100, y, width: 100, height: 40 });
  assert.equal(showing(camera, at(100), diagram, WINDOW), camera);
  assert.deepEqual(showing(camera, at(1000), diagram, WINDOW), { x: 0, y: 870, scale: 1 });
});

test("the file that is named exactly comes first", () => {
  const files = ["dcgan.net", "gan.net", "gan_2.net", "lib/gan.net", "unet.net"];
  const found = ["gan.net", "gan_2.net", "dcgan.net", "lib/gan.net"];
  assert.deepEqual(ranked(files, "gan"), found);
  assert.deepEqual(ranked(files, "gan.net")[0], "gan.net");
  assert.deepEqual(ranked(files, ""), files);
});
