/** The text of a program, with what the compiler knows of it. */

import { closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import {
  bracketMatching,
  foldGutter,
  foldKeymap,
  indentOnInput,
  indentUnit,
  syntaxHighlighting,
} from "@codemirror/language";
import { lintKeymap } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension, type StateEffect } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { element } from "../elements.ts";
import type { Checked, Edit, Fix, Lens } from "../messages.ts";
import { assistance, type Questions, setFoldings } from "./assistance.ts";
import { language, style } from "./highlighting.ts";
import { annotate, annotations } from "./hints.ts";
import { mark } from "./problems.ts";
import { theme } from "./theme.ts";
import type { Rule } from "./tokens.ts";

/** What the editor reports to the page, and asks of it. */
export interface EditorEvents extends Questions {
  changed(): void;
  moved(): void;
  run(lens: Lens): void;
  apply(fix: Fix): void;
  save(): void;
  format(): void;
  /** Apply the first quick fix of the line with the cursor. */
  repair(): void;
}

export class Editor {
  readonly view: EditorView;
  readonly #extensions: Extension;
  readonly #parent: HTMLElement;

  /** The editor has a shadow root: there, its style sheets need no inline styles. */
  constructor(
    host: HTMLElement,
    rules: Rule[],
    readonly events: EditorEvents,
  ) {
    const root = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(
      ":host > div { height: 100%; } .without-hints .cm-hint { display: none !important; }",
    );
    root.adoptedStyleSheets = [sheet];
    const parent = element("div");
    this.#parent = parent;
    root.append(parent);
    this.#extensions = [basics(), language(rules), this.#listeners(events)];
    this.view = new EditorView({ parent, root, state: this.state("") });
  }

  /** Return a new state for a text, to be shown now or later. */
  state(text: string): EditorState {
    return EditorState.create({ doc: text, extensions: this.#extensions });
  }

  /** Show a text, from its top or from where it was left. */
  enter(state: EditorState, scroll?: StateEffect<unknown>): void {
    this.view.setState(state);
    this.view.dispatch({ effects: scroll ?? EditorView.scrollIntoView(0, { y: "start" }) });
  }

  get text(): string {
    return this.view.state.doc.toString();
  }

  /** The offset of the cursor. */
  get offset(): number {
    return this.view.state.selection.main.head;
  }

  /** Return the number of the line at an offset, counted from 1. */
  line(offset: number): number {
    return this.view.state.doc.lineAt(Math.min(offset, this.view.state.doc.length)).number;
  }

  /** Show what a check has found; the text is the one that was checked. */
  show(checked: Checked): void {
    const { hints, lenses, foldings, problems, path } = checked;
    this.view.dispatch({
      effects: [annotate.of({ hints, lenses }), setFoldings.of(foldings)],
    });
    mark(this.view, problems, path, (fix) => this.events.apply(fix));
  }

  /** Put the cursor at an offset, and scroll only if it isn't visible. */
  reveal(offset: number): void {
    const effects = EditorView.scrollIntoView(offset, { y: "nearest", yMargin: 120 });
    this.view.dispatch({ selection: { anchor: offset }, effects });
  }

  /** Select characters and scroll to them. */
  select(start: number, end: number, focus = true): void {
    const length = this.view.state.doc.length;
    const [anchor, head] = [Math.min(start, length), Math.min(end, length)];
    this.view.dispatch({
      selection: { anchor: head, head: anchor },
      effects: EditorView.scrollIntoView(anchor, { y: "center" }),
    });
    if (focus) {
      this.view.focus();
    }
  }

  /** Apply the edits of a fix to this text, as one change that can be undone. */
  apply(edits: Edit[]): void {
    const changes = edits.map(({ start, end, text }) => ({ from: start, to: end, insert: text }));
    this.view.dispatch({ changes, userEvent: "input.fix" });
    this.view.focus();
  }

  /** Replace the text, changing only the lines between its equal beginning and end. */
  replace(text: string): void {
    const old = this.text;
    let start = 0;
    while (start < Math.min(old.length, text.length) && old[start] === text[start]) {
      start += 1;
    }
    let rest = 0;
    const most = Math.min(old.length, text.length) - start;
    while (rest < most && old[old.length - 1 - rest] === text[text.length - 1 - rest]) {
      rest += 1;
    }
    const change = {
      from: start,
      to: old.length - rest,
      insert: text.slice(start, text.length - rest),
    };
    this.view.dispatch({ changes: change, userEvent: "input.format" });
  }

  showHints(shown: boolean): void {
    this.#parent.classList.toggle("without-hints", !shown);
  }

  #listeners(events: EditorEvents): Extension {
    const run = (action: () => void) => () => {
      action();
      return true;
    };
    return [
      keymap.of([
        { key: "Mod-s", run: run(() => events.save()), preventDefault: true },
        { key: "Mod-.", run: run(() => events.repair()), preventDefault: true },
        { key: "Shift-Alt-f", run: run(() => events.format()) },
      ]),
      annotations((lens) => events.run(lens)),
      assistance(events),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) {
          events.changed();
        }
        if (update.selectionSet || update.docChanged) {
          events.moved();
        }
      }),
    ];
  }
}

function basics(): Extension {
  return [
    lineNumbers(),
    foldGutter({ openText: "▾", closedText: "▸" }),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    highlightSpecialChars(),
    highlightSelectionMatches(),
    history(),
    drawSelection(),
    EditorView.lineWrapping,
    bracketMatching(),
    closeBrackets(),
    indentOnInput(),
    indentUnit.of("  "),
    search(),
    syntaxHighlighting(style),
    theme,
    EditorView.contentAttributes.of({
      "aria-label": "Program",
      "aria-description": "Escape, then Tab leaves the text.",
      spellcheck: "false",
    }),
    EditorState.allowMultipleSelections.of(true),
    keymap.of([
      ...closeBracketsKeymap,
      ...defaultKeymap,
      ...searchKeymap,
      ...historyKeymap,
      ...foldKeymap,
      ...completionKeymap,
      ...lintKeymap,
      indentWithTab,
    ]),
  ];
}
