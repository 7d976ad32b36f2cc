/** The texts that are open, and the dialog that opens files of the folder. */

import type { EditorState, StateEffect } from "@codemirror/state";
import { button, element } from "./elements.ts";

/** A file in the editor: its text as it was saved last, and the revision that the disk has. */
export interface Buffer {
  path: string;
  saved: string;
  revision: string | null;
  writable: boolean;
  state: EditorState;
  /** Scrolls to where the text was left; the top of one that is new. */
  scroll?: StateEffect<unknown>;
}

export class Buffers {
  readonly #all = new Map<string, Buffer>();
  current: Buffer | undefined;

  get(path: string): Buffer | undefined {
    return this.#all.get(path);
  }

  set(buffer: Buffer): void {
    this.#all.set(buffer.path, buffer);
  }

  /** Return the texts of files other than the current one that are not saved, by path. */
  unsaved(): Record<string, string> {
    const others = [...this.#all.values()].filter(
      (buffer) => buffer !== this.current && buffer.state.doc.toString() !== buffer.saved,
    );
    return Object.fromEntries(others.map(({ path, state }) => [path, state.doc.toString()]));
  }
}

/** Ask which file to open; `undefined` if the dialog is closed without an answer. */
export function chooseFile(
  folder: string,
  files: string[],
  unsaved: ReadonlySet<string>,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const filter = element("input", {
      type: "search",
      placeholder: "Find a file, or type the name of a new one",
      "aria-label": "Find a file, or type the name of a new one",
      autocomplete: "off",
    });
    const list = element("ul", { class: "file-list" });
    const dialog = element(
      "dialog",
      { class: "files", "aria-label": "Open a file" },
      header(folder, () => dialog.close()),
      filter,
      list,
    );
    const finish = (path: string | undefined) => {
      resolve(path);
      dialog.close();
    };
    const show = () => {
      const wanted = filter.value.trim();
      const matching = ranked(files, wanted);
      const items = matching.map((path) =>
        element(
          "li",
          {},
          button(unsaved.has(path) ? `${path} •` : path, () => finish(path)),
        ),
      );
      const fresh = /\.net$/.test(wanted) ? wanted : `${wanted}.net`;
      if (wanted !== "" && !files.includes(fresh)) {
        items.push(
          element(
            "li",
            {},
            button(`New file ${fresh}`, () => finish(fresh), { class: "new" }),
          ),
        );
      }
      list.replaceChildren(...items);
    };
    filter.addEventListener("input", show);
    dialog.addEventListener("keydown", (event) => arrows(event, dialog));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(undefined);
    });
    show();
    document.body.append(dialog);
    dialog.showModal();
    filter.focus();
  });
}

/** Return the files whose path contains a text: that very path first, then those that begin so. */
export function ranked(files: string[], wanted: string): string[] {
  const text = wanted.toLowerCase();
  const rank = (path: string) =>
    path === text || path === `${text}.net` ? 0 : path.startsWith(text) ? 1 : 2;
  return files
    .filter((path) => path.toLowerCase().includes(text))
    .sort((one, other) => rank(one) - rank(other));
}

function header(folder: string, close: () => void): HTMLElement {
  return element(
    "header",
    {},
    element("h2", {}, `Files in ${folder}`),
    button("✕", close, { "aria-label": "Close" }),
  );
}

/** Move through the field and the files by arrows; Enter in the field opens the first file. */
function arrows(event: KeyboardEvent, dialog: HTMLElement): void {
  const stops = [...dialog.querySelectorAll<HTMLElement>("input, li button")];
  const at = stops.findIndex((stop) => stop.matches(":focus"));
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by !== undefined) {
    event.preventDefault();
    stops[Math.min(Math.max(at + by, 0), stops.length - 1)]?.focus();
  } else if (event.key === "Enter" && at === 0) {
    event.preventDefault();
    stops[1]?.click();
  }
}

/** Ask a question with two answers; returns whether the first was chosen. */
export function confirmed(question: string, yes: string, no: string): Promise<boolean> {
  return new Promise((resolve) => {
    const answer = (value: boolean) => () => {
      resolve(value);
      dialog.close();
    };
    const dialog = element(
      "dialog",
      { class: "question", role: "alertdialog", "aria-label": question },
      element("p", {}, question),
      element(
        "div",
        { class: "row end" },
        button(no, answer(false)),
        button(yes, answer(true), { class: "primary" }),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(false);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
