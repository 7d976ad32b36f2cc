/** The views next to the text: table, diagram and explanation of what the cursor is at. */

import { type Client, Rejected } from "../compiler.ts";
import { delayed, element, found } from "../elements.ts";
import type { Checked, Drawn, Net, Section, Source } from "../messages.ts";
import { DiagramView } from "./diagram.ts";
import { explanation } from "./prose.ts";
import { SummaryView } from "./summary.ts";

/** What the views need of the text. */
export interface Text {
  source(): Source;
  offset(): number;
  line(): { from: number; to: number };
  select(start: number, end: number): void;
}

export class Views {
  readonly #summary: SummaryView;
  readonly #diagram: DiagramView;
  readonly #explanation = found("explanation");
  #checked: Checked | undefined;
  #source = "";
  #net: Net | undefined;
  #drawn: { definition: string; text: string } | undefined;
  #visible = "diagram";
  readonly #explainSoon = delayed(120, () => void this.#explain());

  constructor(
    readonly client: Client,
    readonly text: Text,
  ) {
    const go = ({ start, end }: { start: number | null; end: number | null }) => {
      if (start !== null && end !== null) {
        text.select(start, end);
      }
    };
    this.#summary = new SummaryView(found("summary"), go);
    this.#diagram = new DiagramView(found("diagram"), go, () => this.refresh());
  }

  /** The nets whose tables a check has to compute: the one that is shown. */
  get summaries(): string[] | undefined {
    return this.#net === undefined ? undefined : [this.#net.name];
  }

  /** Say which view is visible: what isn't is not requested. */
  see(view: string): void {
    this.#visible = view;
    this.refresh();
  }

  /** Take a new answer; the last good table and diagram of a net with errors stay, as stale. */
  show(checked: Checked): void {
    const before = this.#checked;
    this.#checked = checked;
    this.#source = JSON.stringify(this.text.source());
    for (const net of checked.nets) {
      const old = before?.path === checked.path ? named(before.nets, net.name) : undefined;
      if (!net.current) {
        net.summary ??= old?.summary ?? null;
      }
    }
    this.refresh();
  }

  /** Forget what is shown: another file is opened. */
  clear(): void {
    this.#checked = undefined;
    this.#drawn = undefined;
    this.#net = undefined;
    this.#summary.clear("");
    this.#diagram.clear("");
  }

  /** Show what belongs to the place of the cursor. */
  refresh(): void {
    const checked = this.#checked;
    if (checked === undefined) {
      return;
    }
    const definition = this.#definition(checked);
    if (definition === undefined) {
      this.#summary.clear("The layers of a net appear here as soon as the program has one.");
      this.#diagram.clear("The diagram of a net appears here as soon as the program has one.");
      stale(false);
    } else {
      stale(!definition.current);
      this.#table(checked, definition);
      void this.#draw(definition);
    }
    this.#explainSoon();
  }

  /** The net that is shown; a new one is the one that the cursor is in. */
  #definition(checked: Checked): Net | Section | undefined {
    const offset = this.text.offset();
    const at = [...checked.nets, ...checked.sections].find(
      ({ start, end }) => start <= offset && offset <= end,
    );
    if (at !== undefined && "summary" in at) {
      this.#net = at;
    }
    const nets = checked.nets.filter(({ summary, current }) => summary !== null || current);
    this.#net = named(checked.nets, this.#net?.name) ?? nets[0] ?? checked.nets[0];
    return at ?? this.#net;
  }

  #table(checked: Checked, definition: Net | Section): void {
    const net = "summary" in definition ? definition : (this.#net ?? checked.nets[0]);
    if (net === undefined) {
      this.#summary.clear("The layers of a net appear here as soon as the program has one.");
    } else if (net.summary === null && net.current) {
      void this.#summarize(checked, net);
    } else if (net.summary === null && !this.#keeps(checked, this.#summary.net)) {
      this.#summary.clear(`${net.name} has an error: its table appears once that is repaired.`);
    } else if (net.summary !== null) {
      this.#summary.show(net.summary);
      this.#summary.follow(this.text.offset(), this.text.line());
    }
  }

  /** Whether something shown stays while another net has an error: it is not of a good net. */
  #keeps(checked: Checked, shown: string | undefined): boolean {
    return shown !== undefined && named(checked.nets, shown)?.current !== true;
  }

  /** Request the table of a net that the check did not compute. */
  async #summarize(checked: Checked, net: Net): Promise<void> {
    const fields = { ...this.text.source(), summaries: [net.name] };
    try {
      const answer = await this.client.latest("check", fields, "summary");
      const found = named(answer?.nets ?? [], net.name)?.summary ?? null;
      if (this.#checked === checked && found !== null) {
        net.summary = found;
        this.refresh();
      }
    } catch {
      // The next check reports that the connection is lost.
    }
  }

  /** Show the diagram of a definition: that of the checked text, or else the last one of it. */
  async #draw(definition: Net | Section): Promise<void> {
    const source = this.text.source();
    const isChecked = JSON.stringify(source) === this.#source;
    const text = JSON.stringify([source, this.#diagram.look]);
    const same = this.#drawn?.definition === definition.name;
    const wanted =
      this.#visible === "diagram" && isChecked && !(same && this.#drawn?.text === text);
    if (wanted && definition.current) {
      try {
        const drawn = await this.#ask(source, definition);
        if (drawn === undefined) {
          return;
        }
        this.#diagram.show(drawn);
        this.#drawn = { definition: definition.name, text };
      } catch (error) {
        this.#diagram.clear(error instanceof Error ? error.message : "");
        this.#drawn = undefined;
      }
    } else if (wanted && !same && !this.#keeps(this.#checked as Checked, this.#drawn?.definition)) {
      const message = `${definition.name} has an error: its diagram appears once that is repaired.`;
      this.#diagram.clear(message);
      this.#drawn = { definition: definition.name, text: "" };
    }
    this.#diagram.follow(this.text.offset(), this.text.line());
  }

  /** Request the diagram of a definition; of a section that has none, that of the last net. */
  async #ask(source: Source, definition: Net | Section): Promise<Drawn | undefined> {
    const fields = { ...source, ...this.#diagram.look };
    try {
      return await this.client.latest("draw", { ...fields, name: definition.name });
    } catch (error) {
      const net = "summary" in definition ? undefined : this.#net;
      if (!(error instanceof Rejected) || net?.current !== true) {
        throw error;
      }
      return await this.client.latest("draw", { ...fields, name: net.name });
    }
  }

  async #explain(): Promise<void> {
    const offset = this.text.offset();
    try {
      const answer = await this.client.latest("explain", { ...this.text.source(), offset });
      if (answer === undefined) {
        return;
      }
      const nothing =
        "Put the cursor on a layer to see its shape, its parameters and how they come about.";
      const parts =
        answer.parts.length > 0
          ? explanation(answer.parts)
          : [element("p", { class: "empty" }, nothing)];
      const title = answer.name ? [element("h3", {}, element("code", {}, answer.name))] : [];
      this.#explanation.replaceChildren(...title, ...parts);
    } catch {
      // The check reports that the connection is lost.
    }
  }
}

function named<Item extends { name: string }>(
  items: Item[],
  name: string | undefined,
): Item | undefined {
  return items.find((item) => item.name === name);
}

/** Let the views look out of date: they show the text as it was before an error. */
function stale(is: boolean): void {
  document.body.classList.toggle("stale", is);
}
