/** Problems in the text: wavy lines, tooltips with quick fixes, and the list below the editor. */

import { type Diagnostic, setDiagnostics } from "@codemirror/lint";
import type { EditorView } from "@codemirror/view";
import { button, element } from "../elements.ts";
import type { Fix, Problem } from "../messages.ts";
import { prose } from "../views/prose.ts";

/** Mark the problems of a file in its text; those of an imported file at the first line. */
export function mark(
  view: EditorView,
  problems: Problem[],
  path: string,
  apply: (fix: Fix) => void,
): void {
  const found = problems.map((problem) => diagnostic(problem, path, view.state.doc.length, apply));
  view.dispatch(setDiagnostics(view.state, found));
}

function diagnostic(
  problem: Problem,
  path: string,
  length: number,
  apply: (fix: Fix) => void,
): Diagnostic {
  const here = problem.path === path;
  const from = here ? Math.min(problem.start, length) : 0;
  const to = here ? Math.min(Math.max(problem.end, from), length) : 0;
  return {
    from,
    to,
    severity: problem.severity,
    message: here ? problem.text : `${problem.path}: ${problem.text}`,
    renderMessage: () => prose(here ? problem.text : `${problem.path}: ${problem.text}`),
    actions: problem.fixes.map((fix) => ({ name: plain(fix.title), apply: () => apply(fix) })),
  };
}

/** Return a title without the marks of code: it stands on a button. */
function plain(title: string): string {
  return title.replaceAll("`", "");
}

/** What the list of problems does when something in it is chosen. */
export interface ProblemActions {
  line(problem: Problem): number | undefined;
  go(problem: Problem): void;
  apply(fix: Fix): void;
}

/** Return the list of problems, errors as they are reported, each with its fixes. */
export function problemList(problems: Problem[], actions: ProblemActions): HTMLElement {
  const items = problems.map((problem) => {
    const line = actions.line(problem);
    const place = line === undefined ? problem.path : `line ${line}`;
    const go = button("", () => actions.go(problem), { class: "problem-message" });
    go.append(
      element("span", { class: `mark ${problem.severity}` }, problem.severity),
      element("span", { class: "place" }, place),
      prose(problem.message),
    );
    const rest = problem.text.slice(problem.message.length).trim();
    const fixes = problem.fixes.map((fix) =>
      button(plain(fix.title), () => actions.apply(fix), {
        class: "fix",
        title: "Apply this quick fix (Ctrl+. in its line)",
      }),
    );
    return element(
      "li",
      {},
      go,
      rest !== "" && element("div", { class: "problem-detail" }, prose(rest)),
      fixes.length > 0 && element("div", { class: "fixes" }, ...fixes),
    );
  });
  return element("ul", { class: "problem-list" }, ...items);
}
