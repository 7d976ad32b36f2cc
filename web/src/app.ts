/** The page: a text, and everything that is shown about it. */

import { type Client, ConnectionLost } from "./compiler.ts";
import { Editor } from "./editor/editor.ts";
import { problemList } from "./editor/problems.ts";
import type { Rule } from "./editor/tokens.ts";
import { delayed, found } from "./elements.ts";
import { type Buffer, Buffers, chooseFile, confirmed } from "./files.ts";
import type { Checked, Fix, Lens, Problem, Source, Welcome } from "./messages.ts";
import { TrainingPanel } from "./training/panel.ts";
import { movable } from "./views/dividers.ts";
import { Views } from "./views/results.ts";
import { Tabs } from "./views/tabs.ts";

const PAUSE = 120;
/** How many milliseconds after a change the text is checked. */

const UNTITLED = "untitled.net";
const BEGINNING = `net Network(image: f32[N, 1, 28, 28]) -> logits: f32[N, 10] {
  h = image |> flatten |> dense(128) |> relu
  logits = dense(h, 10)
}
`;

export class App {
  readonly editor: Editor;
  readonly #buffers = new Buffers();
  readonly #views: Views;
  readonly #tabs: Tabs;
  readonly #training: TrainingPanel;
  readonly #status = found("status");
  #checked: Checked | undefined;
  #fresh = false;
  #trainingProblems: Problem[] = [];
  readonly #checkSoon = delayed(PAUSE, () => void this.check());

  constructor(
    readonly client: Client,
    rules: Rule[],
    readonly welcome: Welcome,
  ) {
    this.editor = new Editor(found("editor"), rules, {
      changed: () => this.#changed(),
      moved: () => this.#moved(),
      run: (lens) => this.#run(lens),
      apply: (fix) => void this.#apply(fix),
      save: () => void this.save(),
      format: () => void this.format(),
      repair: () => this.#repair(),
      complete: async (offset) => (await this.#quietly("complete", offset))?.candidates,
      hover: (offset) => this.#quietly("hover", offset),
    });
    this.#views = new Views(client, {
      source: () => this.#source(),
      offset: () => this.editor.offset,
      line: () => this.editor.view.state.doc.lineAt(this.editor.offset),
      select: (start, end) => this.#select(start, end),
    });
    this.#training = new TrainingPanel(found("train"), {
      client,
      source: () => this.#source(),
      progress: (share) => this.#progress(share),
      problems: (problems) => this.#failed(problems),
    });
    this.#tabs = this.#makeTabs();
    this.#buttons();
    movable({
      element: found("divider-text"),
      variable: "text",
      axis: "across",
      share: 50.5,
      label: "Width of the text",
    });
    movable({
      element: found("divider-views"),
      variable: "views",
      axis: "down",
      share: 62,
      label: "Height of the view",
    });
  }

  /** Show the file that the compiler names, or a new one. */
  async start(): Promise<void> {
    const { file } = this.welcome;
    if (file !== null) {
      await this.open(file);
    } else {
      this.#fresh = true;
      this.#enter(this.#new(UNTITLED, BEGINNING));
      if (this.welcome.can.includes("files")) {
        await this.chooseFile();
      }
    }
  }

  /** Check the text, and show what is found unless the text has changed meanwhile. */
  async check(): Promise<void> {
    const text = this.editor.text;
    try {
      const { summaries } = this.#views;
      const fields = { ...this.#source(), ...(summaries && { summaries }) };
      const checked = await this.client.latest("check", fields);
      if (checked === undefined || this.editor.text !== text) {
        return;
      }
      checked.nets.sort((one, other) => one.start - other.start);
      this.#checked = checked;
      this.#trainingProblems = [];
      this.editor.show(checked);
      this.#begin(checked);
      this.#showProblems();
      this.#views.show(checked);
      this.#training.offer(checked.sections);
      document.body.dataset.checked = String(Number(document.body.dataset.checked ?? 0) + 1);
    } catch (error) {
      this.#say(error);
    }
  }

  /** Put the cursor of a file that was just opened on its first layer. */
  #begin({ nets }: Checked): void {
    const [net] = nets;
    if (this.#fresh && this.editor.offset === 0 && net !== undefined) {
      const [layer] = net.summary?.layers ?? [];
      // A layer of a block has a place in the block, too.
      const inNet = layer?.places?.find(({ start }) => net.start <= start && start < net.end);
      this.editor.reveal(inNet?.start ?? net.start);
    }
    this.#fresh = false;
  }

  /** Open a file of the folder, or go back to it; what is not saved is kept. */
  async open(path: string): Promise<void> {
    const buffer = this.#buffers.get(path);
    if (buffer !== undefined) {
      this.#enter(buffer);
      return;
    }
    try {
      const { text, revision, writable } = await this.client.ask("open", { path });
      this.#fresh = true;
      this.#enter({ path, saved: text, revision, writable, state: this.editor.state(text) });
    } catch (error) {
      this.#say(error);
    }
  }

  async chooseFile(): Promise<void> {
    try {
      const { folder, files } = await this.client.ask("files", {});
      this.#keep();
      const unsaved = Object.keys(this.#buffers.unsaved());
      const names = new Set([...files.map((file) => file.path), ...unsaved]);
      const path = await chooseFile(folder, [...names], new Set(unsaved));
      if (path !== undefined) {
        const exists = files.some((file) => file.path === path);
        await (exists
          ? this.open(path)
          : this.#enter(this.#buffers.get(path) ?? this.#new(path, "")));
      }
      this.editor.view.focus();
    } catch (error) {
      this.#say(error);
    }
  }

  /** Write the text to its file; if the file has changed there, ask first. */
  async save(): Promise<void> {
    const buffer = this.#buffers.current;
    if (buffer === undefined || !this.welcome.can.includes("files")) {
      return;
    }
    const text = this.editor.text;
    try {
      let reply = await this.client.ask("save", {
        path: buffer.path,
        text,
        revision: buffer.revision,
      });
      if (reply.type === "conflict") {
        const question = `${buffer.path} has changed on the disk since it was opened. Overwrite it?`;
        if (!(await confirmed(question, "Overwrite", "Cancel"))) {
          return;
        }
        reply = await this.client.ask("save", {
          path: buffer.path,
          text,
          revision: reply.revision,
        });
      }
      if (reply.type === "saved") {
        buffer.saved = text;
        buffer.revision = reply.revision;
        this.#showFile();
        this.#announce(`saved ${buffer.path}`);
      }
    } catch (error) {
      this.#say(error);
    }
  }

  async format(): Promise<void> {
    try {
      const text = this.editor.text;
      const formatted = await this.client.latest("format", this.#source());
      if (formatted !== undefined && this.editor.text === text) {
        if (formatted.text === null) {
          this.#announce("a text with a syntax error can't be formatted");
        } else if (formatted.text !== text) {
          this.editor.replace(formatted.text);
        }
      }
    } catch (error) {
      this.#say(error);
    }
  }

  #makeTabs(): Tabs {
    const can = this.welcome.can;
    const all = [
      { id: "text", title: "Text", panel: found("text"), narrow: true },
      { id: "diagram", title: "Diagram", panel: found("diagram") },
      { id: "summary", title: "Layers", panel: found("summary") },
      { id: "explain", title: "Explain", panel: found("explanation"), narrow: true },
      { id: "train", title: "Train", panel: found("train") },
    ];
    const tabs = new Tabs(
      found("tabs"),
      all.filter(({ id }) => id !== "train" || can.includes("train")),
      (id) => this.#views.see(id),
    );
    const narrow = matchMedia("(max-width: 820px)");
    narrow.addEventListener("change", () => {
      if (!narrow.matches && ["text", "explain"].includes(tabs.current)) {
        tabs.show("diagram");
      }
    });
    tabs.show(narrow.matches ? "text" : "diagram");
    return tabs;
  }

  #buttons(): void {
    const can = this.welcome.can;
    found("file").addEventListener("click", () => void this.chooseFile());
    found("save").addEventListener("click", () => void this.save());
    found("format").addEventListener("click", () => void this.format());
    found("save").hidden = !can.includes("files");
    found<HTMLButtonElement>("file").disabled = !can.includes("files");
    const hints = found("hints");
    hints.addEventListener("click", () => {
      const shown = hints.getAttribute("aria-pressed") !== "true";
      hints.setAttribute("aria-pressed", String(shown));
      this.editor.showHints(shown);
    });
    // A file that is dropped where nothing takes it would replace the page.
    addEventListener("dragover", (event) => keepPage(event, this.editor.view.dom));
    addEventListener("drop", (event) => keepPage(event, this.editor.view.dom));
    addEventListener("beforeunload", (event) => {
      this.#keep();
      const unsaved = this.#dirty() || Object.keys(this.#buffers.unsaved()).length > 0;
      if (unsaved || this.#training.isRunning) {
        event.preventDefault();
      }
    });
  }

  #new(path: string, text: string): Buffer {
    return { path, saved: "", revision: null, writable: true, state: this.editor.state(text) };
  }

  /** Show a buffer in the editor. */
  #enter(buffer: Buffer): void {
    this.#keep();
    this.#buffers.set(buffer);
    this.#buffers.current = buffer;
    this.#views.clear();
    this.editor.enter(buffer.state, buffer.scroll);
    this.#showFile();
    void this.check();
  }

  /** Keep the state of the editor in the current buffer. */
  #keep(): void {
    if (this.#buffers.current !== undefined) {
      this.#buffers.current.state = this.editor.view.state;
      this.#buffers.current.scroll = this.editor.view.scrollSnapshot();
    }
  }

  #dirty(): boolean {
    const buffer = this.#buffers.current;
    return buffer !== undefined && this.editor.text !== buffer.saved;
  }

  #source(): Source {
    const path = this.#buffers.current?.path ?? UNTITLED;
    return { path, text: this.editor.text, texts: this.#buffers.unsaved() };
  }

  async #quietly<Type extends "complete" | "hover">(type: Type, offset: number) {
    try {
      return await this.client.latest<Type>(type, { ...this.#source(), offset } as never);
    } catch {
      return undefined;
    }
  }

  #changed(): void {
    this.#showFile();
    this.#checkSoon();
  }

  #moved(): void {
    this.#views.refresh();
  }

  #select(start: number, end: number): void {
    const narrow = matchMedia("(max-width: 820px)").matches;
    if (narrow) {
      this.#tabs.show("text");
    }
    this.editor.select(start, end, narrow);
  }

  #run(lens: Lens): void {
    this.editor.select(lens.offset, lens.offset);
    if (lens.command === "train") {
      this.#training.choose(lens.name);
    }
    this.#tabs.show(lens.command);
  }

  async #apply(fix: Fix): Promise<void> {
    const paths = new Set(fix.edits.map(({ path }) => path));
    for (const path of paths) {
      if (path !== this.#buffers.current?.path) {
        await this.open(path);
      }
      this.editor.apply(fix.edits.filter((edit) => edit.path === path));
    }
  }

  #repair(): void {
    const line = this.editor.line(this.editor.offset);
    const path = this.#buffers.current?.path;
    const here = this.#checked?.problems.find(
      (each) =>
        each.path === path && each.fixes.length > 0 && this.editor.line(each.start) === line,
    );
    const [fix] = here?.fixes ?? [];
    if (fix === undefined) {
      this.#announce("no quick fix for this line");
    } else {
      void this.#apply(fix);
    }
  }

  async #go(problem: Problem): Promise<void> {
    if (problem.path !== this.#buffers.current?.path) {
      await this.open(problem.path);
    }
    if (matchMedia("(max-width: 820px)").matches) {
      this.#tabs.show("text");
    }
    this.editor.select(problem.start, problem.end);
  }

  #failed(problems: Problem[]): void {
    this.#trainingProblems = problems;
    this.#showProblems();
  }

  /** Show the problems below the text, and their number above it. */
  #showProblems(): void {
    const path = this.#buffers.current?.path;
    const known = this.#checked?.problems ?? [];
    const problems = [
      ...known,
      ...this.#trainingProblems.filter(
        (each) => !known.some(({ text, start }) => text === each.text && start === each.start),
      ),
    ];
    const list = problemList(problems, {
      line: (problem) => (problem.path === path ? this.editor.line(problem.start) : undefined),
      go: (problem) => void this.#go(problem),
      apply: (fix) => void this.#apply(fix),
    });
    const host = found("problems");
    host.hidden = problems.length === 0;
    host.replaceChildren(list);
    const errors = problems.filter(({ severity }) => severity === "error").length;
    const warnings = problems.length - errors;
    const counts = [counted(errors, "error"), counted(warnings, "warning")].filter(
      (text) => text !== "",
    );
    this.#status.className = errors > 0 ? "error" : warnings > 0 ? "warning" : "good";
    this.#status.textContent = counts.join(", ") || "no problems";
  }

  #showFile(): void {
    const path = this.#buffers.current?.path ?? UNTITLED;
    const dirty = this.#dirty();
    found("file-name").textContent = path;
    found("unsaved").hidden = !dirty;
    document.title = `${dirty ? "• " : ""}${path} – netlang`;
    found<HTMLButtonElement>("save").disabled = !dirty || this.#buffers.current?.writable === false;
  }

  #progress(share: number | null | undefined): void {
    const text = share === undefined ? "" : share === null ? "…" : `${Math.floor(share * 100)} %`;
    this.#tabs.note("train", text);
  }

  #announce(text: string): void {
    this.#status.className = "";
    this.#status.textContent = text;
  }

  #say(error: unknown): void {
    this.#status.className = "error";
    this.#status.textContent =
      error instanceof ConnectionLost
        ? "netlang does not answer: start `netlang serve` again, and open the address that it prints"
        : error instanceof Error
          ? error.message
          : String(error);
  }
}

/** Keep a file from replacing the page, unless something takes it: the text does, for example. */
function keepPage(event: DragEvent, text: HTMLElement): void {
  const { dataTransfer } = event;
  const taken = event.defaultPrevented || event.composedPath().includes(text);
  if (!taken && dataTransfer?.types.includes("Files")) {
    event.preventDefault();
    dataTransfer.dropEffect = "none";
  }
}

function counted(count: number, noun: string): string {
  return count === 0 ? "" : `${count} ${noun}${count === 1 ? "" : "s"}`;
}
