/** Tabs: one panel is shown at a time; arrows move between the tabs. */

import { element } from "../elements.ts";

export interface Tab {
  id: string;
  title: string;
  panel: HTMLElement;
  /** Only where the page is narrow: elsewhere its panel is always visible. */
  narrow?: boolean;
}

export class Tabs {
  readonly #buttons = new Map<string, HTMLButtonElement>();
  #current = "";

  constructor(
    readonly list: HTMLElement,
    readonly tabs: Tab[],
    readonly changed: (id: string) => void,
  ) {
    for (const { id, title, panel, narrow } of tabs) {
      const tab = element(
        "button",
        {
          type: "button",
          role: "tab",
          id: `tab-${id}`,
          "aria-controls": panel.id,
          class: narrow ? "narrow" : undefined,
        },
        title,
      );
      tab.addEventListener("click", () => this.show(id));
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
      this.#buttons.set(id, tab);
      list.append(tab);
    }
    list.addEventListener("keydown", (event) => this.#key(event));
  }

  get current(): string {
    return this.#current;
  }

  show(id: string): void {
    this.#current = id;
    document.body.dataset.view = id;
    for (const [other, tab] of this.#buttons) {
      tab.setAttribute("aria-selected", String(other === id));
      tab.tabIndex = other === id ? 0 : -1;
    }
    this.changed(id);
  }

  /** Show a number or a mark next to the title of a tab. */
  note(id: string, text: string): void {
    const tab = this.#buttons.get(id);
    const title = this.tabs.find((each) => each.id === id)?.title ?? "";
    tab?.replaceChildren(title, text === "" ? "" : element("span", { class: "note" }, text));
  }

  #key(event: KeyboardEvent): void {
    const visible = [...this.#buttons].filter(([, tab]) => tab.offsetParent !== null);
    const at = visible.findIndex(([id]) => id === this.#current);
    const last = visible.length - 1;
    const to = {
      ArrowRight: (at + 1) % visible.length,
      ArrowLeft: at <= 0 ? last : at - 1,
      Home: 0,
      End: last,
    }[event.key];
    const next = to === undefined ? undefined : visible[to];
    if (next !== undefined) {
      event.preventDefault();
      this.show(next[0]);
      next[1].focus();
    }
  }
}
