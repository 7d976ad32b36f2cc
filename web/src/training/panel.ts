/** The panel that trains: choices, progress, curves, and what the run has learned. */

import { type Client, ConnectionLost, reason } from "../compiler.ts";
import { button, element, grouped } from "../elements.ts";
import type {
  Ended,
  Epoch,
  ErrorText,
  Pixels,
  Prepared,
  Problem,
  Section,
  Source,
  TrainingReply,
} from "../messages.ts";
import { failure, prose } from "../views/prose.ts";
import { Curves } from "./curves.ts";
import { margins } from "./framing.ts";
import { predictionPanel } from "./prediction.ts";
import { confusionMatrix, samples } from "./results.ts";

/** What the panel needs of the page around it. */
export interface Surroundings {
  client: Client;
  source(): Source;
  /** A run begins, continues (a share of 1, if that is known) or ends (`undefined`). */
  progress(share: number | null | undefined): void;
  problems(problems: Problem[]): void;
}

export class TrainingPanel {
  readonly #choices = element("div", { class: "choices" });
  readonly #start: HTMLButtonElement;
  readonly #stop: HTMLButtonElement;
  readonly #state = element("p", { class: "state", role: "status" });
  readonly #note = element(
    "span",
    { class: "note" },
    "The section has an error: see below the text.",
  );
  readonly #bar = element("progress", { max: 1, value: 0, "aria-label": "Progress of the run" });
  readonly #remarks = element("div", { class: "remarks" });
  readonly #results = element("div", { class: "results" });
  readonly #log = element("pre", { class: "log", tabindex: 0, "aria-label": "Log of the run" });
  readonly #curves = new Curves(element("div", { class: "curves" }));
  readonly #blocks = new Map<string, HTMLElement>();
  #sections: Section[] = [];
  #section = "";
  #run: string | undefined;
  #prepared: Prepared | undefined;
  #images: Pixels[] = [];
  #abort: AbortController | undefined;

  constructor(
    readonly host: HTMLElement,
    readonly around: Surroundings,
  ) {
    this.#start = button("Train", () => void this.train(), { class: "primary" });
    this.#stop = button("Stop", () => void this.#halt(), { hidden: true });
    this.#bar.hidden = true;
    const row = element("div", { class: "row" }, this.#start, this.#note, this.#stop, this.#bar);
    this.host.append(this.#choices, row, this.#state, this.#remarks, this.#results);
  }

  /** Offer the train sections of a text; a run in progress is not disturbed. */
  offer(sections: Section[]): void {
    if (JSON.stringify(sections) !== JSON.stringify(this.#sections)) {
      this.#sections = sections;
      const kept = sections.some(({ name }) => name === this.#section);
      this.#section = kept ? this.#section : (sections[0]?.name ?? "");
      this.#choose();
    }
    this.#enable();
  }

  /** Choose the section that is trained next. */
  choose(name: string): void {
    if (this.#sections.some((section) => section.name === name) && name !== this.#section) {
      this.#section = name;
      this.#choose();
      this.#enable();
    }
  }

  /** Train, and show what is reported until the run ends. */
  async train(): Promise<void> {
    const { client } = this.around;
    const settings = this.#settings();
    const seed = this.#field("seed");
    this.#begin();
    const fields = {
      ...this.around.source(),
      section: this.#section,
      settings,
      ...(seed === "" ? {} : { seed: Number(seed) }),
    };
    try {
      for await (const reply of client.stream("train", fields, this.#abort?.signal)) {
        this.#take(reply);
      }
      if (this.#abort !== undefined) {
        throw new ConnectionLost();
      }
    } catch (error) {
      if (this.#abort?.signal.aborted) {
        this.#end("stopped");
        return;
      }
      this.#fail(reason(error));
    }
  }

  get #current(): Section | undefined {
    return this.#sections.find(({ name }) => name === this.#section);
  }

  /** Show the choices: which section, its parameters, the seed. */
  #choose(): void {
    if (this.#sections.length === 0) {
      const text = "This program has no `train` section. Add one to train a network here.";
      this.#choices.replaceChildren(prose(text));
      return;
    }
    const select = element("select", { id: "section" });
    for (const { name } of this.#sections) {
      select.append(element("option", { value: name, selected: name === this.#section }, name));
    }
    select.addEventListener("change", () => this.choose(select.value));
    const parameters = (this.#current?.parameters ?? []).map((parameter) =>
      field(parameter.name, {
        "data-setting": parameter.name,
        placeholder: parameter.default ?? "",
      }),
    );
    this.#choices.replaceChildren(
      element("label", {}, element("span", {}, "section"), select),
      ...parameters,
      field("seed", {
        "data-field": "seed",
        placeholder: "0",
        inputmode: "numeric",
        pattern: "[0-9]*",
      }),
    );
  }

  /** Whether a run is in progress. */
  get isRunning(): boolean {
    return this.#abort !== undefined;
  }

  #enable(): void {
    const hasErrors = this.#current?.current === false;
    this.#start.disabled = this.#current === undefined || hasErrors || this.isRunning;
    this.#note.hidden = !hasErrors || this.isRunning;
  }

  #field(name: string): string {
    return (
      this.#choices.querySelector<HTMLInputElement>(`[data-field="${name}"]`)?.value.trim() ?? ""
    );
  }

  #settings(): Record<string, string> {
    const inputs = [...this.#choices.querySelectorAll<HTMLInputElement>("[data-setting]")];
    const given = inputs.filter(({ value }) => value.trim() !== "");
    return Object.fromEntries(
      given.map((input) => [input.dataset.setting ?? "", input.value.trim()]),
    );
  }

  #begin(): void {
    this.#abort = new AbortController();
    this.#run = undefined;
    this.#prepared = undefined;
    this.#images = [];
    this.#start.hidden = true;
    this.#stop.hidden = false;
    this.#stop.disabled = true;
    this.#bar.hidden = false;
    this.#bar.removeAttribute("value");
    this.#state.className = "state";
    this.#state.textContent = "preparing…";
    this.#remarks.replaceChildren();
    this.#results.replaceChildren();
    this.#blocks.clear();
    this.#log.textContent = "";
    this.#curves.start(null, null);
    this.around.progress(null);
  }

  async #halt(): Promise<void> {
    this.#stop.disabled = true;
    this.#state.textContent = "stopping…";
    if (this.#run === undefined) {
      this.#abort?.abort();
    } else {
      await this.around.client.ask("stop", { run: this.#run }).catch(() => this.#abort?.abort());
    }
  }

  #take(reply: TrainingReply): void {
    switch (reply.type) {
      case "preparing":
        this.#run = reply.run;
        this.#stop.disabled = false;
        this.#state.textContent = `reading ${reply.reading?.join(", ") || "the data"}…`;
        break;
      case "prepared":
        this.#prepared = reply;
        this.#state.textContent = reply.text;
        this.#curves.start(reply.steps, reply.steps_per_epoch);
        this.#block("Curves", this.#curves.host);
        this.#block("Log", this.#log);
        break;
      case "samples":
        this.#images = reply.examples.flatMap((example) =>
          Object.values(example).filter((cell) => "pixels" in cell),
        );
        this.#block("Samples after transforms", samples(reply));
        break;
      case "steps":
        this.#curves.addSteps(reply.points);
        this.#advance(reply.points[reply.points.length - 1]?.step ?? 0);
        break;
      case "epoch":
        this.#epoch(reply);
        break;
      case "confusion":
        this.#block(`Confusion of ${reply.column}`, confusionMatrix(reply));
        break;
      case "remark":
        this.#remarks.append(prose(reply.text));
        break;
      case "failed":
        this.around.problems(reply.problems ?? []);
        this.#fail(reply.error);
        break;
      default:
        this.#finish(reply);
    }
  }

  #epoch(reply: Epoch): void {
    this.#curves.addEpoch(reply);
    this.#advance(reply.step);
    this.#state.textContent = reply.text;
    const atEnd = this.#log.scrollTop + this.#log.clientHeight >= this.#log.scrollHeight - 8;
    this.#log.append(`${reply.text}\n`);
    if (atEnd) {
      this.#log.scrollTop = this.#log.scrollHeight;
    }
  }

  #advance(step: number): void {
    const steps = this.#prepared?.steps ?? null;
    if (steps !== null) {
      this.#bar.value = step / steps;
    }
    this.around.progress(steps === null ? null : step / steps);
  }

  #finish(reply: Ended): void {
    const verb = reply.type === "finished" ? "finished" : "stopped";
    this.#end(`${verb} after ${grouped(reply.step)} steps · saved in ${reply.folder}`);
    this.#remarks.append(...(reply.remarks ?? []).map(prose));
    if (reply.predicts !== null && reply.predicts.input.kind === "image") {
      const panel = predictionPanel(
        this.around.client,
        reply.run,
        reply.predicts,
        margins(this.#images),
      );
      this.#block("Try it", panel);
    }
  }

  #fail(error: ErrorText): void {
    this.#end("");
    this.#state.className = "state error";
    this.#state.replaceChildren(failure(error));
  }

  #end(text: string): void {
    this.#abort = undefined;
    this.#start.hidden = false;
    this.#stop.hidden = true;
    this.#bar.hidden = true;
    this.#state.textContent = text;
    this.around.progress(undefined);
    this.#enable();
  }

  /** Put a block under a title, in the order of `ORDER`; one of the same title is replaced. */
  #block(title: string, content: HTMLElement): void {
    const block = element("section", { "aria-label": title }, element("h3", {}, title), content);
    const old = this.#blocks.get(title);
    this.#blocks.set(title, block);
    if (old !== undefined) {
      old.replaceWith(block);
      return;
    }
    const later = [...this.#results.children].find(
      (other) => order(other.getAttribute("aria-label") ?? "") > order(title),
    );
    this.#results.insertBefore(block, later ?? null);
  }
}

const ORDER = ["Try it", "Curves", "Confusion", "Samples", "Log"];

function order(title: string): number {
  return ORDER.findIndex((beginning) => title.startsWith(beginning));
}

function field(name: string, attributes: Record<string, string>): HTMLElement {
  const input = element("input", { type: "text", autocomplete: "off", ...attributes });
  return element("label", {}, element("span", {}, name), input);
}
