/** What tests do with the page: open it, type, read what it shows. */

import assert from "node:assert/strict";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** Return the path of an installed Chromium, or `undefined`. */
export async function installed() {
  const folders = (process.env.PATH ?? "").split(delimiter);
  for (const path of folders.flatMap((folder) => NAMES.map((name) => join(folder, name)))) {
    try {
      await access(path);
      return path;
    } catch {
      // It may be elsewhere.
    }
  }
  return undefined;
}

/** Return a browser that asks nobody but the page. */
export function browser(executablePath) {
  return chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"],
  });
}

export class Page {
  /** Open the page in a new window, and wait until its text is checked. */
  static async open(browser, address, { width = 1400, height = 860, dark = false } = {}) {
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: dark ? "dark" : "light",
      reducedMotion: "reduce",
    });
    const page = await context.newPage();
    const made = new Page(page, new URL(address).origin);
    const start = Date.now();
    await page.goto(address);
    await made.checked(1);
    made.opened = Date.now() - start;
    return made;
  }

  constructor(page, origin) {
    this.page = page;
    /** What no test may cause: errors, dialogs, requests to elsewhere. */
    this.complaints = [];
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") {
        this.complaints.push(message.text());
      }
    });
    page.on("dialog", async (dialog) => {
      this.complaints.push(dialog.message());
      await dialog.dismiss();
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(`${origin}/`) && !/^(data|blob):/.test(request.url())) {
        this.complaints.push(request.url());
      }
    });
  }

  /** Close the window; nothing may have gone wrong in it. */
  async close() {
    assert.deepEqual(this.complaints, []);
    await this.page.context().close();
  }

  /** Wait until the text was checked this many times, by default once more than now. */
  async checked(times) {
    const body = this.page.locator("body");
    const wanted = times ?? (await this.checks()) + 1;
    const deadline = Date.now() + 10_000;
    while ((await this.checks()) < wanted) {
      assert.ok(Date.now() < deadline, `${await body.getAttribute("data-checked")} checks`);
      await this.page.waitForTimeout(5);
    }
  }

  async checks() {
    return Number((await this.page.locator("body").getAttribute("data-checked")) ?? 0);
  }

  /** Return the number of checks once the one of the current text is done. */
  async settled() {
    let before = -1;
    while (before !== (await this.checks())) {
      before = await this.checks();
      await this.page.waitForTimeout(250);
    }
    return before;
  }

  text(selector) {
    return this.page.locator(selector).innerText();
  }

  tab(name) {
    return this.page.getByRole("tab", { name }).click();
  }

  /** Open a file by the dialog. */
  async file(name) {
    const wanted = (await this.settled()) + 1;
    await this.page.locator("#file").click();
    await this.page.locator("dialog input").fill(name);
    await this.page.keyboard.press("Enter");
    await this.checked(wanted);
  }

  /** Put the cursor at the first word of a line, by its number from 1. */
  async start(number) {
    const line = this.page.locator(".cm-line").nth(number - 1);
    await line.click({ position: { x: 40, y: 8 } });
    await this.page.keyboard.press("Home");
  }

  /** Put the cursor at the end of a line, by its number from 1. */
  async end(number) {
    await this.start(number);
    await this.page.keyboard.press("End");
    // A wrapped line has several ends.
    await this.page.keyboard.press("End");
  }

  /** Return the lines of the text, without hints. */
  lines() {
    return this.page.locator(".cm-line").evaluateAll((all) =>
      all.map((line) =>
        [...line.childNodes]
          .filter((node) => !node.classList?.contains("cm-hint"))
          .map((node) => node.textContent)
          .join(""),
      ),
    );
  }

  /** Wait until the types that hints show are these, in the order of the text. */
  async types(expected) {
    await this.until(
      () => this.page.locator(".cm-hint-type").allInnerTexts(),
      (found) => JSON.stringify(found) === JSON.stringify(expected),
    );
  }

  /** Wait until something read from the page is as wanted; return it. */
  async until(read, wanted, most = 5000) {
    const deadline = Date.now() + most;
    let found = await read();
    while (!wanted(found)) {
      assert.ok(Date.now() < deadline, `found ${JSON.stringify(found)}`);
      await this.page.waitForTimeout(20);
      found = await read();
    }
    return found;
  }

  /** Wait until the status above the text is this. */
  status(text) {
    return this.until(
      () => this.text("#status"),
      (found) => found === text,
    );
  }

  /** Return the number of the line that the cursor is in. */
  async line() {
    return Number(await this.text(".cm-lineNumbers .cm-activeLineGutter"));
  }

  /** Replace the whole text by pasting another one, and wait until it is checked. */
  async replace(text) {
    const wanted = (await this.settled()) + 1;
    await this.page.locator(".cm-content").focus();
    await this.page.keyboard.press("ControlOrMeta+a");
    await this.page.locator(".cm-content").evaluate((content, pasted) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", pasted);
      content.dispatchEvent(new ClipboardEvent("paste", { clipboardData, cancelable: true }));
    }, text);
    await this.checked(wanted);
  }
}
