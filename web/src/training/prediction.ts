/** Ask the trained network: about a digit drawn with the mouse, or an image that is dropped. */

import { type Client, reason } from "../compiler.ts";
import { button, element } from "../elements.ts";
import type { Ended, Predicted } from "../messages.ts";
import { failure } from "../views/prose.ts";
import type { Margins } from "./framing.ts";
import { Pad } from "./pad.ts";
import { encoded, imageOf } from "./pixels.ts";
import { measured } from "./scales.ts";

type Predicts = NonNullable<Ended["predicts"]>;

const MOST_BYTES = 5_000_000;

/** Return the panel in which the network of a finished run predicts. */
export function predictionPanel(
  client: Client,
  run: string,
  predicts: Predicts,
  usual: Margins,
): HTMLElement {
  const answer = element("div", { class: "prediction", role: "status" });
  answer.append(
    element("p", { class: "empty" }, "Draw, or drop an image, to see what the network predicts."),
  );
  const ask = async (
    fields: { image: { name: string; bytes: string } } | { drawing: number[][] },
  ) => {
    try {
      const reply = await client.latest("predict", { run, layer: predicts.layer, ...fields });
      if (reply !== undefined) {
        answer.replaceChildren(...shown(reply));
      }
    } catch (error) {
      answer.replaceChildren(element("div", { class: "error" }, failure(reason(error))));
    }
  };
  const send = async (file: File) => {
    if (file.size > MOST_BYTES) {
      answer.replaceChildren(element("p", { class: "error" }, `${file.name} is larger than 5 MB`));
      return;
    }
    const bytes = encoded(new Uint8Array(await file.arrayBuffer()));
    await ask({ image: { name: file.name, bytes } });
  };
  const [height = 1, width = 1] = predicts.input.shape.slice(-2);
  const pad = new Pad({ width, height }, usual, () => void ask({ drawing: pad.ink() }));
  const clear = button("Clear", () => pad.clear());
  const sheet = element(
    "div",
    { class: "sheet" },
    pad.canvas,
    element("div", { class: "row" }, clear, chooser(send)),
  );
  const panel = element("div", { class: "predict" }, sheet, answer);
  droppable(panel, send);
  return panel;
}

/** Return a button that opens a file, for those who can't drop one. */
function chooser(send: (file: File) => void): HTMLElement {
  const input = element("input", {
    type: "file",
    accept: "image/*",
    class: "hidden",
    tabindex: -1,
  });
  input.setAttribute("aria-label", "Image to predict");
  input.addEventListener("change", () => {
    const [file] = input.files ?? [];
    if (file !== undefined) {
      send(file);
    }
    input.value = "";
  });
  return element(
    "span",
    {},
    button("Choose an image…", () => input.click()),
    input,
  );
}

function droppable(panel: HTMLElement, send: (file: File) => void): void {
  panel.addEventListener("dragover", (event) => {
    event.preventDefault();
    panel.classList.add("dropping");
  });
  panel.addEventListener("dragleave", () => panel.classList.remove("dropping"));
  panel.addEventListener("drop", (event) => {
    event.preventDefault();
    panel.classList.remove("dropping");
    const [file] = event.dataTransfer?.files ?? [];
    if (file !== undefined) {
      send(file);
    }
  });
}

function shown(reply: Predicted): HTMLElement[] {
  const [best] = reply.classes;
  const seen =
    reply.seen === null
      ? undefined
      : element(
          "figure",
          { class: "seen" },
          imageOf(reply.seen, "What the network sees"),
          element("figcaption", {}, "what the network sees"),
        );
  if (best === undefined) {
    const rows = Object.entries(reply.values ?? {}).map(([name, value]) =>
      element("p", {}, `${name}: ${JSON.stringify(value)}`),
    );
    return [...(seen === undefined ? [] : [seen]), ...rows];
  }
  const bars = reply.classes.map(({ name, probability }) => {
    const bar = element("span", { class: "bar" });
    bar.style.setProperty("--share", `${(probability * 100).toFixed(1)}%`);
    const percent = `${measured(Number((probability * 100).toFixed(1)))} %`;
    return element(
      "li",
      {},
      element("span", { class: "name" }, name),
      bar,
      element("span", {}, percent),
    );
  });
  const answer = element("p", { class: "answer" }, best.name);
  const list = element("ol", { class: "classes" }, ...bars);
  return [element("div", { class: "row" }, answer, ...(seen === undefined ? [] : [seen])), list];
}
