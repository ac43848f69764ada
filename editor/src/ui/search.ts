// Search with results below it: classes (thousands of them) and commands.

import { html, nothing, type TemplateResult } from "lit";
import { ACTIONS, keysOf } from "../actions/actions.ts";
import { shown } from "../actions/keys.ts";
import * as objects from "../actions/objects.ts";
import { patternOf } from "../editor/look.ts";
import { swatch } from "../shapes/patterns.ts";
import type { Dialogs } from "./dialogs.ts";

interface Result {
  label: string;
  detail: string;
  /** How it looks, as a CSS background. */
  swatch?: string;
  run(): void;
}

const MOST = 60;

/** All words found, matches at the start of the name first. */
export function ranked<T>(items: readonly T[], query: string, text: (item: T) => string, most = MOST): T[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return items.slice(0, most);
  const starts: T[] = [];
  const inner: T[] = [];
  for (const item of items) {
    const name = text(item).toLowerCase();
    if (!words.every((word) => name.includes(word))) continue;
    (name.startsWith(words[0]) ? starts : inner).push(item);
    if (starts.length >= most) break;
  }
  return [...starts, ...inner].slice(0, most);
}

export function classSearch(d: Dialogs): TemplateResult {
  const { session } = d;
  const found = ranked(session.ontology.classes, d.typing.query, (c) => `${c.display_name ?? ""} ${c.name}`.trim());
  const n = session.selection.ids.size;
  const results = found.map((c): Result => ({ label: c.display_name || c.name, detail: c.hotkey ?? "", swatch: swatch(c.color, patternOf(session.bench.parts, c.name)), run: () => objects.setClass(session, c.name) }));
  return search(d, n ? `Class of ${n === 1 ? "the selected object" : `${n} selected objects`}` : "Search a class", results);
}

export function commandSearch(d: Dialogs): TemplateResult {
  const { session } = d;
  const usable = ACTIONS.filter((a) => a.when?.(session) ?? true);
  const found = ranked(usable, d.typing.query, (a) => `${a.label} ${a.group}`);
  return search(d, "What do you want to do?", found.map((a): Result => ({ label: a.label, detail: keysOf(session, a).map(shown).join(", "), run: () => a.run(session) })));
}

function search(d: Dialogs, placeholder: string, results: Result[]): TemplateResult {
  const { typing } = d;
  const at = Math.min(typing.index, results.length - 1);
  const run = (result: Result | undefined): void => {
    if (!result) return;
    d.close();
    result.run();
  };
  const key = (e: KeyboardEvent): void => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (by) typing.index = (at + by + results.length) % Math.max(1, results.length);
    else if (e.key === "Enter") return run(results[at]);
    else return;
    e.preventDefault();
    d.requestUpdate();
    void d.updateComplete.then(() => d.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" }));
  };
  const type = (e: InputEvent): void => {
    typing.query = (e.target as HTMLInputElement).value;
    typing.index = 0;
    d.requestUpdate();
  };
  return html`
    <input class="query" autofocus type="text" role="combobox" aria-expanded="true" aria-controls="results" aria-activedescendant=${results.length ? `result-${at}` : ""} placeholder=${placeholder} aria-label=${placeholder} .value=${typing.query} @input=${type} @keydown=${key} />
    <div class="results" id="results" role="listbox" aria-label="Results">
      ${results.map((r, i) => html`<div class="result" role="option" id="result-${i}" aria-selected=${i === at} @click=${() => run(r)}>
        ${r.swatch ? html`<span class="swatch" .style=${`background:${r.swatch}`}></span>` : nothing}<span class="name">${r.label}</span>${r.detail ? html`<kbd>${r.detail}</kbd>` : nothing}</div>`)}
      ${results.length ? nothing : html`<p class="empty">Nothing found.</p>`}
    </div>`;
}
