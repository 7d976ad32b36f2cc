/** The page on the server that `netlang serve` starts, in a browser. */

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { browser, installed, Page } from "./page.mjs";
import { Server } from "./server.mjs";

let server;
let chromium;

before(async () => {
  server = await Server.start();
  chromium = await browser(await installed());
});

after(async () => {
  await chromium?.close();
  await server?.close();
});

/** Run a test on a new window. */
function on(name, action, options) {
  test(name, { timeout: 60_000 }, async () => {
    const page = await Page.open(chromium, server.address, options);
    try {
      await action(page, page.page);
    } finally {
      await page.close();
    }
  });
}

on("the first summary is there within two seconds", async (page) => {
  assert.ok(page.opened <= 2000, `${page.opened} ms`);
  await page.tab("Layers");
  assert.match(await page.text("#summary"), /61,706/);
  await page.status("no problems");
  assert.equal(await page.page.locator("#summary tbody tr").count(), 12);
});

on("after each of 30 edits the hints are right", async (page, window) => {
  await page.replace("net A(x: f32[N, 1]) -> h0: f32[N, 2] {\n  h0 = dense(x, 2)\n}\n");
  const types = [": f32[N, 2]"];
  await page.types(types);
  for (let round = 1; round <= 10; round += 1) {
    await page.end(round + 1);
    await window.keyboard.type(`\nh${round} = h${round - 1} |> dense(${round + 2})`);
    types.push(`: f32[N, ${round + 2}]`);
    await page.types(types);
    // The last line has an error now: the hints of the lines before it remain.
    await window.keyboard.press("ArrowLeft");
    await window.keyboard.type(" + x");
    await page.types(types.slice(0, -1));
    assert.match(await page.text("#status"), /error/);
    for (const _ of " + x") {
      await window.keyboard.press("Backspace");
    }
    await page.types(types);
  }
});

on(
  "a problem has a quick fix, and what was right before looks out of date",
  async (page, window) => {
    const good = "net A(x: f32[N, 4]) -> y: f32[N, 2] {\n  y = dense(x, 2)\n}\n";
    await page.replace(good);
    await page.tab("Layers");
    await page.replace(good.replace("dense", "dens"));
    await page.status("1 error");
    assert.match(await page.text("#problems"), /line 2[\s\S]*I don't know dens/);
    assert.ok(await window.locator("body.stale").isVisible());
    assert.match(await page.text("#summary"), /dense/);
    assert.ok(await window.locator(".stale-note").isVisible());
    await window.getByRole("button", { name: "replace dens with dense" }).click();
    await page.status("no problems");
    assert.deepEqual(await page.lines(), good.split("\n"));
    assert.equal(await window.locator("body.stale").count(), 0);
    assert.ok(await window.locator("#problems").isHidden());
  },
);

on(
  "what was shown stays during a syntax error, also where it hides the net",
  async (page, window) => {
    const good = "net A(x: f32[N, 4]) -> y: f32[N, 2] {\n  y = dense(x, 2)\n}\n";
    await page.replace(good);
    await page.until(
      () => page.text("#diagram"),
      (text) => text.includes("dense 2"),
    );
    await page.replace(good.replace("->", "|>"));
    await page.status("1 error");
    assert.match(await page.text("#diagram"), /dense 2/);
    assert.ok(await window.locator(".stale-note").isVisible());
    await page.tab("Layers");
    assert.match(await page.text("#summary"), /dense/);
  },
);

on("a quick fix is also at the wavy line, and a key", async (page, window) => {
  await page.replace("net A(x: f32[N, 4]) -> y: f32[N, 2] {\n  y = dens(x, 2)\n}\n");
  await window.locator(".cm-lintRange-error").hover();
  const tooltip = window.locator(".cm-tooltip-lint");
  assert.match(await tooltip.innerText(), /I don't know dens/);
  await tooltip.getByRole("button", { name: "replace" }).click();
  await page.status("no problems");
  await window.keyboard.press("ControlOrMeta+z");
  await page.status("1 error");
  await page.end(2);
  await window.keyboard.press("ControlOrMeta+.");
  await page.status("no problems");
});

on("table, diagram and explanation follow the cursor and lead to it", async (page, window) => {
  await page.tab("Layers");
  await page.start(4);
  await page.until(
    () => window.locator("#summary tr.current").first().innerText(),
    (row) => row.startsWith("c2") && row.includes("2,416"),
  );
  await page.until(
    () => page.text("#explanation"),
    (text) => text.includes("c2: f32[N, 16, 5, 5]"),
  );
  await window.locator("#summary tr", { hasText: "f2" }).first().click();
  assert.equal(await page.line(), 6);
  await page.until(
    () => page.text("#explanation"),
    (text) => /84·120 \+ 84/.test(text),
  );
  await page.tab("Diagram");
  await page.until(
    () => window.locator("#diagram g.current").allTextContents(),
    (boxes) => boxes.length === 1 && /dense 84/.test(boxes[0]),
  );
  await window.getByRole("button", { name: "Fit" }).click();
  await window.locator("#diagram g[data-box]", { hasText: "conv 6 5×5" }).click();
  assert.equal(await page.line(), 3);
});

on("the diagram can be used by keyboard, moved and scaled", async (page, window) => {
  const box = window.locator("#diagram g[data-box]");
  await box.first().focus();
  await window.keyboard.press("ArrowDown");
  await window.keyboard.press("ArrowDown");
  await window.keyboard.press("ArrowDown");
  await window.keyboard.press("Enter");
  assert.equal(await page.line(), 3);
  const diagram = window.locator("#diagram svg");
  const view = async () => (await diagram.getAttribute("viewBox")).split(" ").map(Number);
  const before = await view();
  await window.getByRole("button", { name: "Zoom in" }).click();
  assert.ok((await view())[2] < before[2]);
  await diagram.hover();
  await window.mouse.wheel(0, 150);
  assert.ok((await view())[1] > before[1]);
  await window.getByRole("button", { name: "Fit" }).click();
  const size = (await view())[3];
  assert.ok(size >= 520, `${size}`);
});

on("several nets: the one of the cursor is shown", async (page, window) => {
  await page.file("blocks.net");
  await page.tab("Layers");
  assert.match(await page.text("#summary"), /^Units/);
  // At the call of a block are all its layers.
  await page.end(4);
  await page.until(
    () => window.locator("#summary tr.current").allInnerTexts(),
    (rows) => rows.length === 3 && rows.every((row) => /conv|batch_norm|relu/.test(row)),
  );
  await page.end(9);
  await page.until(
    () => page.text("#summary"),
    (text) => text.startsWith("Small"),
  );
  await page.tab("Diagram");
  await page.until(
    () => page.text("#diagram"),
    (text) => text.includes("Small"),
  );
  // A block that is called with several shapes has several types.
  const title = await window.locator(".cm-hint-type").first().getAttribute("title");
  assert.equal(title, "f32[N, 3, 32, 32]\nf32[N, 16, 32, 32]");
});

on("markup in a program is text", async (page, window) => {
  await page.file("hostile.net");
  for (const view of ["Layers", "Train", "Diagram"]) {
    await page.tab(view);
  }
  await page.end(4);
  await page.until(
    () => page.text("#explanation"),
    (text) => text.includes("f32[N, 8]"),
  );
  await page.file("<img src=x onerror=hacked=1>");
  assert.equal(await page.text("#file-name"), "<img src=x onerror=hacked=1>.net");
  await page.replace('net A(x: f32[N, 4]) -> y = dense(x, "<img src=x onerror=hacked=1>")\n');
  await page.until(
    () => page.text("#problems"),
    (text) => text.includes("<img"),
  );
  await page.replace("net A(x: f32[N, 4]) -> y = <script>hacked = 1</script>\n");
  await page.until(
    () => page.text("#status"),
    (text) => text.includes("error"),
  );
  assert.equal(await window.evaluate(() => globalThis.hacked), undefined);
  const added = "body script, img:not(h1 img), iframe, object, a[href]";
  assert.equal(await window.locator(added).count(), 0);
});

on("completion, hover and format", async (page, window) => {
  await page.replace("net A(x: f32[N, 4]) -> y {\ny = x |>\n}\n");
  await page.end(2);
  await window.keyboard.type(" den");
  const list = window.locator(".cm-tooltip-autocomplete");
  assert.match(await list.locator("li").first().innerText(), /^dense/);
  await window.waitForTimeout(120); // CodeMirror takes Enter as an answer only after a moment.
  await window.keyboard.press("Enter");
  await window.keyboard.type("(2)");
  await page.status("no problems");
  await window.getByRole("button", { name: "Format" }).click();
  await page.until(
    () => page.lines(),
    (lines) => lines[1] === "  y = x |> dense(2)",
  );
  await window.locator(".cm-line span", { hasText: "dense" }).first().hover();
  const hover = window.locator(".cm-hover");
  await hover.first().waitFor();
  assert.match(await hover.first().innerText(), /10 parameters/);
});

on("a file is saved, and not over somebody else's change", async (page, window) => {
  const path = join(server.folder, "blocks.net");
  await page.file("blocks.net");
  const save = window.getByRole("button", { name: "Save" });
  assert.ok(await save.isDisabled());
  await page.end(9);
  await window.keyboard.type("\n# mine");
  await window.keyboard.press("ControlOrMeta+s");
  await page.status("saved blocks.net");
  assert.match(await readFile(path, "utf8"), /# mine\n$/);
  await writeFile(path, "# theirs\n");
  await window.keyboard.type(", too");
  await save.click();
  const question = window.getByRole("alertdialog");
  assert.match(await question.innerText(), /changed on the disk/);
  await question.getByRole("button", { name: "Cancel" }).click();
  assert.equal(await readFile(path, "utf8"), "# theirs\n");
  await save.click();
  await question.getByRole("button", { name: "Overwrite" }).click();
  await page.status("saved blocks.net");
  assert.match(await readFile(path, "utf8"), /# mine, too\n$/);
});

on("a new file, and texts that are kept while others are open", async (page, window) => {
  await page.file("new one");
  assert.equal(await page.text("#file-name"), "new one.net");
  await page.replace("net N(x: f32[N, 4]) -> y = dense(x, 2)\n");
  await page.replace(`net N(x: f32[N, 4]) -> y = dense(x, 2)${"\n".repeat(200)}`);
  await window.keyboard.press("ControlOrMeta+End");
  const top = () => window.locator(".cm-scroller").evaluate((scroller) => scroller.scrollTop);
  await page.until(top, (at) => at > 1000);
  await page.file("lenet.net");
  await page.until(top, (at) => at === 0);
  await page.file("new one.net");
  await page.until(top, (at) => at > 1000);
  await window.keyboard.press("ControlOrMeta+Home");
  assert.match((await page.lines()).join("\n"), /net N/);
  await window.getByRole("button", { name: "Save" }).click();
  await page.status("saved new one.net");
  assert.match(await readFile(join(server.folder, "new one.net"), "utf8"), /^net N/);
});

on("LeNet trains, and reads a digit that is drawn", async (page, window) => {
  await page.tab("Train");
  await window.getByRole("button", { name: "Train", exact: true }).click();
  await window.locator(".curve .line.train").first().waitFor();
  await page.until(
    () => page.text("#train .state"),
    (text) => text.startsWith("finished after 120 steps"),
    50_000,
  );
  const log = (await page.text("#train .log")).trim().split("\n");
  assert.equal(log.length, 4);
  assert.match(log[3], /^epoch 4\/4 {2}loss \d/);
  assert.equal(await window.locator(".curve").count(), 2);
  assert.ok((await window.locator(".curve .line.train").first().getAttribute("d")).length > 500);
  assert.equal(await window.locator(".curve").first().locator("circle.valid").count(), 4);
  assert.equal(await window.locator(".samples canvas").count(), 16);
  assert.equal(await window.locator(".confusion tbody td").count(), 100);
  const area = await window.locator(".pad").boundingBox();
  const at = (x, y) => [area.x + area.width * x, area.y + area.height * y];
  await window.mouse.move(...at(0.5, 0.15));
  await window.mouse.down();
  await window.mouse.move(...at(0.5, 0.85), { steps: 8 });
  await window.mouse.up();
  await page.until(
    () => window.locator(".classes li").count(),
    (count) => count === 10,
  );
  assert.match(await window.locator(".answer").innerText(), /^\d$/);
  const image = await window.locator(".samples canvas").first().screenshot();
  await window
    .locator("input[type=file]")
    .setInputFiles({ name: "digit.png", mimeType: "image/png", buffer: image });
  await page.until(
    () => window.locator(".seen").count(),
    (count) => count === 1,
  );
});

on("a run can be stopped, and its errors are shown", async (page, window) => {
  await page.tab("Train");
  const text = await readFile(join(server.folder, "lenet.net"), "utf8");
  const start = window.getByRole("button", { name: "Train", exact: true });
  await page.replace(text.replace("adam(lr)", "adam(lr"));
  assert.ok(await start.isDisabled());
  assert.match(await page.text("#train"), /has an error/);
  await page.replace(text.replace("4 epochs", "400 epochs"));
  await window.getByRole("button", { name: "Train", exact: true }).click();
  await window.locator(".curve .line.train").first().waitFor({ timeout: 30_000 });
  await window.getByRole("button", { name: "Stop" }).click();
  await page.until(
    () => page.text("#train .state"),
    (state) => state.startsWith("stopped after"),
    30_000,
  );
  await window.getByLabel("lr").fill("fast");
  await window.getByRole("button", { name: "Train", exact: true }).click();
  await page.until(
    () => page.text("#train .state.error"),
    (state) => state.includes("lr"),
    30_000,
  );
});

for (const width of [1400, 400]) {
  for (const dark of [false, true]) {
    const look = `${width} pixels wide, ${dark ? "dark" : "light"}`;
    on(`nothing is cut off or hidden: ${look}`, (page) => fits(page, `${width}-${dark}`), {
      width,
      dark,
    });
  }
}

/** Look at every view: controls have names, are on the screen, and do not overlap. */
async function fits(page, name) {
  for (const tab of await page.page.getByRole("tab").all()) {
    if (!(await tab.isVisible())) {
      continue;
    }
    await tab.click();
    await page.page.waitForTimeout(100);
    if (process.env.SCREENSHOTS !== undefined) {
      const path = join(process.env.SCREENSHOTS, `${name}-${await tab.getAttribute("id")}.png`);
      await page.page.screenshot({ path });
    }
    assert.deepEqual(await page.page.evaluate(defects), [], await tab.innerText());
  }
}

/** Return what is wrong with the controls of the page; runs in the browser. */
function defects() {
  const found = [];
  if (document.documentElement.scrollWidth > innerWidth) {
    found.push(`the page is ${document.documentElement.scrollWidth} wide`);
  }
  const controls = [...document.querySelectorAll("button, input, select, [role=tab]")];
  const visible = controls.filter((control) => control.checkVisibility());
  for (const control of visible) {
    const label = control.labels?.[0]?.textContent ?? "";
    const name = `${control.textContent}${control.ariaLabel ?? ""}${label}`.trim();
    if (name === "") {
      found.push(`${control.outerHTML} has no name`);
    }
  }
  const bar = visible.filter((control) => control.closest(".top, .tabs") !== null);
  for (const [at, one] of bar.entries()) {
    const a = one.getBoundingClientRect();
    if (a.left < 0 || a.right > innerWidth) {
      found.push(`${one.textContent} is off the screen`);
    }
    for (const other of bar.slice(at + 1)) {
      const b = other.getBoundingClientRect();
      if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom) {
        found.push(`${one.textContent} and ${other.textContent} overlap`);
      }
    }
  }
  return found;
}

test("dark and light can be chosen, and are kept", { timeout: 30_000 }, async () => {
  const page = await Page.open(chromium, server.address);
  const ground = () => page.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.page.getByRole("button", { name: "Dark" }).click();
  const dark = await ground();
  assert.notEqual(dark, light);
  await page.page.reload();
  await page.checked(1);
  assert.equal(await ground(), dark);
  await page.close();
});

test("without its token the page says what to do", { timeout: 30_000 }, async () => {
  const context = await chromium.newContext();
  const page = await context.newPage();
  await page.goto(server.address.replace(/#.*/, ""));
  await page.locator("#status.error").waitFor();
  assert.match(await page.locator("#status").innerText(), /netlang serve|token/);
  await context.close();
});

test("when the server has ended the page says so", { timeout: 30_000 }, async () => {
  const own = await Server.start();
  const page = await Page.open(chromium, own.address);
  await own.end();
  await page.end(1);
  await page.page.keyboard.type(" ");
  await page.until(
    () => page.text("#status"),
    (text) => text.includes("netlang does not answer"),
  );
  page.complaints.length = 0; // The browser reports that it could not connect.
  await page.close();
  await own.close();
});
