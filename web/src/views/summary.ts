/** The table of a net: a row for each layer, with its shape and counts. */

import { bytes, element, grouped } from "../elements.ts";
import type { Count, LayerRow, Summary } from "../messages.ts";
import { nearest } from "./places.ts";

export class SummaryView {
  #rows: { layer: LayerRow; row: HTMLTableRowElement }[] = [];
  #text = "";
  /** The name of the net that is shown. */
  net: string | undefined;

  /** `choose` is called with the layer whose row is clicked. */
  constructor(
    readonly host: HTMLElement,
    readonly choose: (layer: LayerRow) => void,
  ) {
    host.addEventListener("keydown", (event) => this.#step(event));
  }

  /** Show the table of a net. */
  show(summary: Summary): void {
    const text = JSON.stringify(summary);
    if (text === this.#text) {
      return;
    }
    this.#text = text;
    this.net = summary.net;
    const most = { params: 0, macs: 0 };
    for (const layer of summary.layers) {
      most.params = Math.max(most.params, number(parameters(layer)));
      most.macs = Math.max(most.macs, number(layer.macs));
    }
    this.#rows = summary.layers.map((layer, at) => ({
      layer,
      row: this.#row(layer, summary.layers[at - 1], most, at === 0),
    }));
    const head = ["Layer", "Kind", "Output", "Parameters", "MACs", "Field"].map((title, at) =>
      element("th", { scope: "col", class: at > 2 ? "number" : undefined }, title),
    );
    const table = element(
      "table",
      { class: "summary" },
      element("caption", { class: "hidden" }, `Layers of ${summary.net}`),
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...this.#rows.map(({ row }) => row)),
    );
    const scroll = element("div", { class: "table-scroll" }, table);
    this.host.replaceChildren(heading(summary), totals(summary), scroll);
  }

  /** Show a sentence in place of a table. */
  clear(message: string): void {
    this.#rows = [];
    this.#text = "";
    this.net = undefined;
    this.host.replaceChildren(element("p", { class: "empty" }, message));
  }

  /** Mark the rows that the cursor is at. */
  follow(offset: number, line: { from: number; to: number }): void {
    const layers = new Set(
      nearest(
        this.#rows.map(({ layer }) => layer),
        offset,
        line,
      ),
    );
    let first = true;
    for (const { layer, row } of this.#rows) {
      const current = layers.has(layer);
      row.classList.toggle("current", current);
      if (current && first) {
        reveal(row);
        first = false;
      }
    }
  }

  #row(
    layer: LayerRow,
    before: LayerRow | undefined,
    most: { params: number; macs: number },
    first: boolean,
  ): HTMLTableRowElement {
    const repeated = before?.path === layer.path;
    const linked = layer.start !== null;
    const kind = linked
      ? element("button", { type: "button", tabindex: first ? 0 : -1, class: "link" }, layer.kind)
      : layer.kind;
    const row = element(
      "tr",
      { class: `${repeated ? "repeated" : "first"}${linked ? " linked" : ""}` },
      element(
        "th",
        { scope: "row" },
        repeated ? element("span", { class: "hidden" }, layer.path) : layer.path,
      ),
      element("td", {}, kind),
      element("td", { class: "shape" }, layer.output.replace(/^f32/, "")),
      counted(parameters(layer), most.params),
      counted(layer.macs, most.macs),
      element("td", { class: "number soft" }, layer.receptive_field ?? ""),
    );
    if (linked) {
      row.addEventListener("click", () => this.choose(layer));
    }
    return row;
  }

  #step(event: KeyboardEvent): void {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const buttons = [...this.host.querySelectorAll<HTMLButtonElement>("tbody button")];
    const at = buttons.findIndex((each) => each.matches(":focus"));
    const next = by === undefined || at < 0 ? undefined : buttons[at + by];
    if (next !== undefined) {
      event.preventDefault();
      buttons[at]?.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    }
  }
}

/** Scroll a row into its table's view, without moving the page around it. */
function reveal(row: HTMLElement): void {
  const view = row.closest<HTMLElement>(".panel");
  if (view === null) {
    return;
  }
  const [inner, outer] = [row.getBoundingClientRect(), view.getBoundingClientRect()];
  if (inner.top < outer.top + 40 || inner.bottom > outer.bottom - 8) {
    view.scrollTop += inner.top - outer.top - outer.height / 2;
  }
}

function heading({ net, inputs, outputs }: Summary): HTMLElement {
  const listed = (types: Record<string, string>) =>
    Object.entries(types)
      .map(([name, type]) => `${name} ${type}`)
      .join(", ");
  return element(
    "header",
    { class: "net-heading" },
    element("h2", {}, net),
    element("p", { class: "shape" }, `${listed(inputs)} → ${listed(outputs)}`),
  );
}

function totals(summary: Summary): HTMLElement {
  const running = summary.non_trainable_parameters;
  const facts: [string, string][] = [
    ["parameters", grouped(summary.trainable_parameters)],
    ...(running === 0 ? [] : [["running statistics", grouped(running)] satisfies [string, string]]),
    ["MACs per example", short(summary.macs)],
    ["size", bytes(summary.memory.parameters)],
    ...(summary.memory.inference === null
      ? []
      : [["memory per example", bytes(summary.memory.inference)] satisfies [string, string]]),
    ...(summary.receptive_field === null
      ? []
      : [["receptive field", summary.receptive_field] satisfies [string, string]]),
  ];
  const tiles = facts.map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value)),
  );
  return element("dl", { class: "totals" }, ...tiles);
}

/** Return a count in full up to a million, then to three digits. */
function short(count: Count): string {
  if (typeof count === "string" || count < 1e7) {
    return grouped(count);
  }
  const [size, unit] = count < 1e9 ? [1e6, "M"] : [1e9, "G"];
  return `${Number((count / size).toPrecision(3))} ${unit}`;
}

function counted(count: Count, most: number): HTMLElement {
  const cell = element("td", { class: "number" }, count === 0 ? "·" : grouped(count));
  const share = most > 0 ? number(count) / most : 0;
  if (share > 0) {
    cell.classList.add("barred");
    cell.style.setProperty("--share", `${Math.max(share * 100, 1).toFixed(1)}%`);
  }
  if (count === 0) {
    cell.classList.add("none");
  }
  return cell;
}

function parameters(layer: LayerRow): Count {
  return layer.trainable_parameters;
}

function number(count: Count): number {
  return typeof count === "number" ? count : 0;
}
