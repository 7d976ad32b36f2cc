/** What a run shows besides its curves: samples of its data, and confusion matrices. */

import { element } from "../elements.ts";
import type { Cell, Confusion, Samples } from "../messages.ts";
import { imageOf } from "./pixels.ts";

/** Return examples as the network sees them, after all transforms. */
export function samples({ columns, examples }: Samples): HTMLElement {
  const images = columns.filter(({ kind }) => kind === "image");
  const others = columns.filter(({ kind }) => kind !== "image");
  if (images.length === 0) {
    return sampleTable(columns, examples);
  }
  const figures = examples.map((example) => {
    const text = others.map(({ name }) => shown(example[name])).join(" · ");
    const canvases = images.map(({ name }) => {
      const cell = example[name];
      return cell !== undefined && "pixels" in cell ? imageOf(cell, `${name} ${text}`) : "";
    });
    return element("figure", {}, ...canvases, text !== "" && element("figcaption", {}, text));
  });
  return element("div", { class: "samples" }, ...figures);
}

function sampleTable(columns: Samples["columns"], examples: Samples["examples"]): HTMLElement {
  const head = columns.map(({ name, type }) => element("th", { scope: "col", title: type }, name));
  const rows = examples.map((example) =>
    element("tr", {}, ...columns.map(({ name }) => element("td", {}, shown(example[name])))),
  );
  const table = element(
    "table",
    { class: "plain" },
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...rows),
  );
  return element("div", { class: "table-scroll" }, table);
}

function shown(cell: Cell | undefined): string {
  return cell !== undefined && "text" in cell ? cell.text : "";
}

const MOST_NUMBERS = 14;

/** Return a confusion matrix: a row for each actual class, a column for each predicted one. */
export function confusionMatrix({ names, counts, actual, column, epoch }: Confusion): HTMLElement {
  const right = counts.reduce((sum, row, at) => sum + (row[at] ?? 0), 0);
  const all = counts.reduce((sum, row) => sum + row.reduce((a, b) => a + b, 0), 0);
  const rows = counts.map((row, at) => {
    const total = Math.max(actual[at] ?? 0, 1);
    const cells = row.map((count, other) => {
      const title = `${count} of ${actual[at]} × ${names[at]} taken for ${names[other]}`;
      const text = names.length <= MOST_NUMBERS && count > 0 ? String(count) : "";
      const cell = element("td", { title, class: at === other ? "right" : "wrong" }, text);
      // Few errors among many examples are visible too.
      cell.style.setProperty("--share", `${Math.round(100 * Math.sqrt(count / total))}%`);
      cell.classList.toggle("strong", count / total > 0.3);
      return cell;
    });
    return element("tr", {}, element("th", { scope: "row" }, names[at] ?? ""), ...cells);
  });
  const upright = names.every((name) => name.length <= 2);
  const head = names.map((name) =>
    element(
      "th",
      { scope: "col" },
      element("span", { class: upright ? undefined : "sideways" }, name),
    ),
  );
  const caption = `${column} after epoch ${epoch}: ${((100 * right) / Math.max(all, 1)).toFixed(1)} % of ${all.toLocaleString("en-US")} right. Rows are the actual classes, columns the predicted ones.`;
  const table = element(
    "table",
    { class: names.length > MOST_NUMBERS ? "confusion dense" : "confusion" },
    element("thead", {}, element("tr", {}, element("td"), ...head)),
    element("tbody", {}, ...rows),
  );
  return element(
    "figure",
    { class: "confusion-figure" },
    element(
      "div",
      { class: "table-scroll", tabindex: 0, role: "region", "aria-label": "Confusion matrix" },
      table,
    ),
    element("figcaption", {}, caption),
  );
}
