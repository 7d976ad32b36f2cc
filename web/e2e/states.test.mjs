/** What the page shows when something goes wrong, and how it is used with a keyboard. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browser, installed, Page } from "./page.mjs";
import { Server } from "./server.mjs";

const DIGITS = `net Digits(image: f32[N, 1, 8, 8]) -> logits: f32[N, 10] {
  logits = image |> flatten |> dense(10)
}

train digits {
  data = digits("train") |> batches(64)
  model = new Digits()
  logits = model(batch.image)
  loss = cross_entropy(logits, batch.label)
  optimizer = sgd(0.1)
  run = 2 epochs
}
`;

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

const started = (page) => page.page.getByRole("button", { name: "Train", exact: true });
const state = (page) => page.text("#train .state");

async function digits(options) {
  const page = await Page.open(chromium, (options?.at ?? server).address, options);
  await page.replace(options?.text ?? DIGITS);
  await page.tab("Train");
  return page;
}

test("a loss that is not a number is explained", { timeout: 60_000 }, async () => {
  const page = await digits({ text: DIGITS.replace("sgd(0.1)", "sgd(1e38)") });
  await started(page).click();
  await page.until(
    () => state(page),
    (text) => /^the loss is (nan|inf)/.test(text) && text.includes("help: lower the learning rate"),
    40_000,
  );
  // The last step before is a point: a line through it would not be seen.
  assert.equal(await page.page.locator(".curve circle.train").count(), 1);
  assert.ok(await started(page).isEnabled());
  await page.close();
});

/** Drop a file, whose content is in base64, on an element; return whether the page took it, or kept it from replacing itself. */
function dropped(page, selector, name, content) {
  return page.page.locator(selector).evaluate(
    (target, [name_, content_]) => {
      const dataTransfer = new DataTransfer();
      const bytes = Uint8Array.from(atob(content_), (letter) => letter.charCodeAt(0));
      dataTransfer.items.add(new File([bytes], name_));
      const event = (type) =>
        new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true, composed: true });
      target.dispatchEvent(event("dragover"));
      return !target.dispatchEvent(event("drop"));
    },
    [name, content],
  );
}

test("an image that is dropped is classified, and no file replaces the page", {
  timeout: 60_000,
}, async () => {
  const page = await digits();
  assert.ok(await dropped(page, "#status", "a.png", btoa("no")));
  await started(page).click();
  await page.until(
    () => state(page),
    (text) => text.startsWith("finished after"),
    40_000,
  );
  assert.ok(await dropped(page, ".predict", "notes.txt", btoa("words")));
  await page.until(
    () => page.text(".prediction"),
    (text) =>
      /^notes\.txt is not an image\n+help: an image is one of \.png, \.jpg, [^\n]+$/.test(text),
  );
  assert.ok(await dropped(page, ".predict", "broken.png", btoa("words")));
  await page.until(
    () => page.text(".prediction"),
    (text) => text === "broken.png is not a PNG, JPEG, WebP, BMP or TIFF image",
  );
  const image = await page.page.evaluate(() => {
    const canvas = document.querySelector(".samples canvas");
    return canvas.toDataURL("image/png").replace(/.*,/, "");
  });
  assert.ok(await dropped(page, ".predict", "digit.png", image));
  await page.until(
    () => page.page.locator(".classes li").count(),
    (count) => count === 10,
  );
  assert.equal(await page.page.locator(".seen").count(), 1);
  await page.close();
});

test("of two windows one trains at a time, and the other says why", {
  timeout: 60_000,
}, async () => {
  const long = DIGITS.replace("2 epochs", "100000 epochs");
  const [first, second] = [await digits({ text: long }), await digits()];
  await started(first).click();
  await first.page.locator(".curve .line.train").first().waitFor({ timeout: 40_000 });
  await started(second).click();
  await second.until(
    () => state(second),
    (text) =>
      text ===
      "another window of this page is training\n\nhelp: stop that run there, or wait until it ends",
  );
  await first.page.getByRole("button", { name: "Stop" }).click();
  await first.until(
    () => state(first),
    (text) => text.startsWith("stopped after"),
    20_000,
  );
  await started(second).click();
  await second.until(
    () => state(second),
    (text) => text.startsWith("finished after"),
    40_000,
  );
  await first.close();
  await second.close();
});

test("a run whose server ends says so, and what to do", { timeout: 60_000 }, async () => {
  const own = await Server.start();
  const page = await digits({ at: own, text: DIGITS.replace("2 epochs", "100000 epochs") });
  await started(page).click();
  await page.page.locator(".curve .line.train").first().waitFor({ timeout: 40_000 });
  assert.ok(await page.page.getByRole("button", { name: "Stop" }).isVisible());
  await own.end();
  await page.until(
    () => state(page),
    (text) =>
      /saved|^the connection to netlang was lost\s+help: start netlang serve again/.test(text),
    20_000,
  );
  await page.end(1);
  await page.page.keyboard.type(" ");
  await page.status(
    "netlang does not answer: start `netlang serve` again, and open the address that it prints",
  );
  page.complaints.length = 0; // The browser reports that it could not connect.
  await page.close();
  await own.close();
});

test("the page of a server that was started again says so", { timeout: 60_000 }, async () => {
  const old = await Server.start();
  const { port } = new URL(old.address);
  const page = await Page.open(chromium, old.address);
  await old.end();
  const again = await Server.start("lenet.net", ["--port", port]);
  await page.end(1);
  await page.page.keyboard.type(" ");
  await page.status("the token is missing or wrong: open the address that netlang serve printed");
  page.complaints.length = 0; // The browser reports the status of the answer.
  await page.close();
  await again.close();
  await old.close();
});

test("every control is reached with the Tab key, in the order of the page, and is seen there", {
  timeout: 60_000,
}, async () => {
  const page = await Page.open(chromium, server.address);
  await page.settled();
  const window = page.page;
  await window.locator("#file").focus();
  const reached = [];
  for (let step = 0; step < 40; step += 1) {
    const at = await window.evaluate(() => {
      let on = document.activeElement;
      while (on.shadowRoot?.activeElement) {
        on = on.shadowRoot.activeElement;
      }
      const style = getComputedStyle(on);
      const box = on.querySelector?.(":scope > rect");
      const seen =
        style.outlineStyle !== "none" ||
        style.boxShadow !== "none" ||
        on.closest(".cm-editor") !== null ||
        (box !== null && getComputedStyle(box).strokeWidth !== "1px");
      const name = on.id || on.ariaLabel || on.className?.baseVal || on.className || on.tagName;
      return { name: String(name), seen };
    });
    if (reached.length > 0 && at.name === reached[0]) {
      break;
    }
    reached.push(at.name);
    assert.ok(at.seen || at.name === "BODY", `${at.name} looks as without the focus`);
    // In the text, Tab indents; Escape lets the next one leave.
    if (at.name === "Program") {
      await window.keyboard.press("Escape");
    }
    await window.keyboard.press("Tab");
  }
  const order = ["file", "hints", "format", "save", "theme", "Program", "tab-diagram"];
  const places = order
    .filter((name) => name !== "save") // nothing is to be saved
    .map((name) => reached.findIndex((each) => each.includes(name)));
  assert.ok(!places.includes(-1), reached.join(", "));
  assert.deepEqual(
    places,
    [...places].sort((a, b) => a - b),
    reached.join(", "),
  );
  // Arrows go from tab to tab.
  await window.locator("#tab-diagram").focus();
  await window.keyboard.press("ArrowRight");
  assert.equal(await window.evaluate(() => document.activeElement.id), "tab-summary");
  await page.close();
});

for (const dark of [false, true]) {
  test(`texts can be read: ${dark ? "dark" : "light"}`, { timeout: 60_000 }, async () => {
    const page = await digits({ dark });
    await started(page).click();
    await page.until(
      () => state(page),
      (text) => text.startsWith("finished after"),
      40_000,
    );
    for (const tab of ["Diagram", "Layers", "Train"]) {
      await page.tab(tab);
      assert.deepEqual(await page.page.evaluate(faint), [], tab);
    }
    await page.replace(DIGITS.replace("dense", "dens"));
    assert.deepEqual(await page.page.evaluate(faint), [], "with an error");
    await page.close();
  });
}

/** Return the texts whose contrast with their ground is below 4.5; runs in the browser. */
function faint() {
  const numbers = (color) => (color.match(/[\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b]
      .map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) {
      const [r, g, b, a = 1] = numbers(getComputedStyle(at).backgroundColor);
      layers.push([r, g, b, a]);
      if (a === 1) {
        break;
      }
    }
    return layers
      .reverse()
      .reduce(
        (under, [r, g, b, a]) => [r, g, b].map((v, i) => v * a + (under[i] ?? 0) * (1 - a)),
        [255, 255, 255],
      );
  };
  const found = new Set();
  const nodes = [document.body, document.querySelector("#editor").shadowRoot].flatMap((root) => {
    const texts = document.createTreeWalker(root ?? document.head, NodeFilter.SHOW_TEXT);
    return [
      ...(function* () {
        while (texts.nextNode() !== null) {
          yield texts.currentNode;
        }
      })(),
    ];
  });
  for (const node of nodes) {
    const element = node.parentElement;
    const disabled = element.closest(":disabled, .stale #diagram, .stale #summary") !== null;
    if (
      node.data.trim() === "" ||
      disabled ||
      !element.checkVisibility({ opacityProperty: true })
    ) {
      continue;
    }
    if (element.closest("svg, .samples, script, style") !== null) {
      continue;
    }
    const under = ground(element);
    const [r, g, b, a = 1] = numbers(getComputedStyle(element).color);
    const color = [r, g, b].map((value, i) => value * a + under[i] * (1 - a));
    const [low, high] = [light(color), light(under)].sort((x, y) => x - y);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) {
      found.add(`${node.data.trim().slice(0, 30)} (${element.className}): ${ratio.toFixed(2)}`);
    }
  }
  return [...found];
}
