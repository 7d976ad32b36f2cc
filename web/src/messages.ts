/** The messages between the page and the compiler, version 1: plain JSON objects. */

export const VERSION = 1;

/** What each request carries besides its version, number and type. */
export interface Requests {
  hello: object;
  check: Source & { summaries?: string[] };
  draw: Source & { name: string; depth?: number; direction?: Direction };
  explain: Source & { offset: number };
  hover: Source & { offset: number };
  complete: Source & { offset: number };
  format: Source;
  files: object;
  open: { path: string };
  save: { path: string; text: string; revision: string | null };
  train: Source & { section?: string; settings?: Record<string, string>; seed?: number };
  stop: { run: string };
  predict: {
    run: string;
    layer?: string | null;
    image?: { name: string; bytes: string };
    drawing?: number[][];
  };
}

/** A program: its path in the folder, its text, and unsaved texts of files that it imports. */
export interface Source {
  path: string;
  text: string;
  texts?: Record<string, string>;
}

export type RequestType = keyof Requests;
export type Direction = "down" | "right";

export type Request = {
  [Type in RequestType]: { version: number; id: number; type: Type } & Requests[Type];
}[RequestType];

/** The reply to each request; training is answered by a stream of them. */
export interface Replies {
  hello: Welcome;
  check: Checked;
  draw: Drawn;
  explain: Explained;
  hover: Explained;
  complete: Completions;
  format: { type: "formatted"; text: string | null };
  files: { type: "listed"; folder: string; files: { path: string; size: number }[] };
  open: Opened;
  save: Saved;
  train: TrainingReply;
  stop: { type: "stopping"; run: string; found: boolean };
  predict: Predicted;
}

export interface ErrorText {
  rule: string;
  message: string;
  notes?: string[];
  helps?: string[];
}

export type Reply = Replies[RequestType] | { type: "error"; error: ErrorText };

export interface Welcome {
  type: "welcome";
  netlang: string;
  folder: string;
  file: string | null;
  can: RequestType[];
}

/** Characters of a text, counted in UTF-16 units; `end` is exclusive. */
export interface Span {
  start: number;
  end: number;
}

/** Where something comes from in this file, if it does; `places` has all calls, innermost first. */
export interface Placed {
  start: number | null;
  end: number | null;
  places?: Span[];
}

export interface Edit extends Span {
  path: string;
  text: string;
}

export interface Fix {
  title: string;
  edits: Edit[];
}

export interface Problem extends Span {
  rule: string;
  severity: "error" | "warning";
  message: string;
  path: string;
  /** The message with everything that explains it, in lines. */
  text: string;
  fixes: Fix[];
}

export interface Hint {
  offset: number;
  text: string;
  kind: "type" | "parameter";
  types?: string[];
}

export interface Lens {
  offset: number;
  title: string;
  command: "summary" | "train";
  name: string;
}

export interface Folding {
  first_line: number;
  last_line: number;
}

/** A count, or its formula where a size is symbolic. */
export type Count = number | string;

export interface LayerRow extends Placed {
  path: string;
  kind: string;
  output: string;
  trainable_parameters: Count;
  non_trainable_parameters: Count;
  macs: Count;
  activation_bytes: Count | null;
  receptive_field: string | null;
}

export interface Summary {
  net: string;
  inputs: Record<string, string>;
  outputs: Record<string, string>;
  trainable_parameters: Count;
  non_trainable_parameters: Count;
  macs: Count;
  memory: { parameters: Count; inference: Count | null };
  receptive_field: string | null;
  depth: number | null;
  layers: LayerRow[];
}

export interface Net extends Span {
  name: string;
  current: boolean;
  summary: Summary | null;
}

export interface Section extends Span {
  name: string;
  current: boolean;
  parameters: { name: string; default: string | null }[];
}

export interface Checked {
  type: "checked";
  path: string;
  problems: Problem[];
  hints: Hint[];
  foldings: Folding[];
  lenses: Lens[];
  nets: Net[];
  sections: Section[];
}

export interface Box extends Placed {
  number: number;
  paths: string[];
  tooltip: string;
}

export interface Drawn {
  type: "drawn";
  name: string;
  svg: string;
  boxes: Box[];
}

export interface Part {
  kind: "code" | "text";
  language?: string;
  text: string;
}

export interface Explained extends Span {
  type: "explained" | "hovered";
  name?: string;
  parts: Part[];
}

export interface Candidate extends Span {
  label: string;
  kind: string;
  detail?: string;
  documentation?: string;
}

export interface Completions {
  type: "completions";
  candidates: Candidate[];
}

export interface Opened {
  type: "opened";
  path: string;
  text: string;
  revision: string | null;
  writable: boolean;
}

export type Saved =
  | { type: "saved"; path: string; revision: string }
  | { type: "conflict"; path: string; revision: string; text: string };

/** Pixels, row by row, channels last, a byte each, as base64. */
export interface Pixels {
  width: number;
  height: number;
  channels: number;
  pixels: string;
}

export type Cell = Pixels | { text: string };
export type Measures = Record<string, number | null>;

export interface Prepared {
  type: "prepared";
  run: string;
  section: string;
  folder: string;
  parameters: number;
  examples: number | null;
  steps_per_epoch: number | null;
  steps: number | null;
  epochs: number | null;
  text: string;
}

export interface Samples {
  type: "samples";
  run: string;
  columns: { name: string; type: string; kind: string }[];
  examples: Record<string, Cell>[];
}

export interface Step {
  step: number;
  epoch: number;
  train: Measures;
}

export interface Epoch {
  type: "epoch";
  run: string;
  epoch: number;
  step: number;
  train: Measures;
  valid?: Measures | null;
  rate?: number | null;
  seconds?: number;
  text: string;
}

export interface Confusion {
  type: "confusion";
  run: string;
  epoch: number;
  column: string;
  names: string[];
  counts: number[][];
  actual: number[];
}

export interface Ended {
  type: "finished" | "stopped";
  run: string;
  step: number;
  folder: string;
  remarks?: string[];
  predicts: {
    layer: string;
    input: { shape: number[]; kind: "image" | "numbers" };
    classes: string[];
  } | null;
}

export interface Failed {
  type: "failed";
  run: string | null;
  error: ErrorText;
  problems?: Problem[];
}

export type TrainingReply =
  | { type: "preparing"; run: string; section: string; reading?: string[] }
  | Prepared
  | Samples
  | { type: "steps"; run: string; points: Step[] }
  | Epoch
  | Confusion
  | { type: "remark"; run: string; text: string }
  | Ended
  | Failed;

export interface Predicted {
  type: "predicted";
  run: string;
  output: string;
  classes: { name: string; probability: number }[];
  seen: Pixels | null;
  values?: Record<string, unknown>;
}
