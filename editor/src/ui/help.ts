// All shortcuts, by group; a click on one records another key for it.

import { html, nothing, type TemplateResult } from "lit";
import { ACTIONS, type Action, keysOf } from "../actions/actions.ts";
import { chordOf, shown } from "../actions/keys.ts";
import { PRESETS } from "../actions/presets.ts";
import type { Dialogs } from "./dialogs.ts";

const GROUPS = ["Tools", "Edit", "Objects", "View", "Frames", "Task", "Review"] as const;
const MODIFIERS = new Set(["Control", "Shift", "Alt", "Meta", "AltGraph"]);

export function helpSheet(d: Dialogs): TemplateResult {
  const { session } = d;
  const changed = Object.keys(session.settings.get("shortcuts")).length > 0;
  const adopt = (e: Event): void => {
    const preset = PRESETS.find((p) => p.name === (e.target as HTMLSelectElement).value);
    if (preset) session.settings.set("shortcuts", preset.keys);
  };
  return html`
    <p class="muted">Space held: move the view. Wheel: zoom at the pointer. Ctrl held with a drawing tool: select. Click a key to change it.</p>
    <div class="line"><label>Keys like <select @change=${adopt}><option value="">choose…</option>${PRESETS.map((p) => html`<option value=${p.name}>${p.name}</option>`)}</select></label>
      ${changed ? html`<button class="quiet small" @click=${() => session.settings.set("shortcuts", {})}>Back to Labelwright's keys</button>` : nothing}</div>
    <div class="scroll"><div class="groups">${GROUPS.map((group) => {
      const actions = ACTIONS.filter((a) => a.group === group && (group !== "Frames" || session.work.item.kind === "video") && (group !== "Review" || session.reviewing) && !/^(class|item)\.[2-9]$/.test(a.id));
      return actions.length ? html`<section><h2>${group}</h2>${actions.map((a) => row(d, a))}</section>` : nothing;
    })}</div></div>`;
}

function row(d: Dialogs, action: Action): TemplateResult {
  const { session, typing } = d;
  const recording = typing.recording === action.id;
  const keys = keysOf(session, action);
  const many = action.id === "class.1" || action.id === "item.1";
  const held = action.id === "item.1" ? html`<kbd>Shift</kbd> ` : nothing;
  const record = (e: KeyboardEvent): void => {
    if (!recording || MODIFIERS.has(e.key)) return;
    e.preventDefault();
    e.stopPropagation();
    typing.recording = null;
    if (e.key !== "Escape") rebind(d, action, chordOf(e));
    d.requestUpdate();
  };
  const start = (): void => {
    typing.recording = action.id;
    d.requestUpdate();
  };
  return html`<div class="shortcut"><span>${action.id === "class.1" ? "Classes 1 to 9" : many ? "Answers 1 to 9 for the item" : action.label}</span>
    <button class="keys" ?disabled=${many} aria-label=${`Change the key of ${action.label}`} @click=${start} @keydown=${record}>
    ${recording ? html`<em>press a key</em>` : many ? html`${held}<kbd>1</kbd>…<kbd>9</kbd>` : keys.length ? keys.map((k) => html`<kbd>${shown(k)}</kbd>`) : html`<span class="muted">none</span>`}</button></div>`;
}

/** Gives the chord to the action and takes it from any other that had it. */
function rebind(d: Dialogs, action: Action, chord: string): void {
  const { session } = d;
  const shortcuts = { ...session.settings.get("shortcuts") };
  for (const other of ACTIONS) {
    const keys = keysOf(session, other);
    if (other !== action && keys.includes(chord)) shortcuts[other.id] = keys.filter((k) => k !== chord);
  }
  shortcuts[action.id] = [chord];
  session.settings.set("shortcuts", shortcuts);
}
