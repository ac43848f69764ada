// All shortcuts, by group; a click on one records another key for it.

import { html, nothing, type TemplateResult } from "lit";
import { live } from "lit/directives/live.js";
import { ACTIONS, type Action, keysOf, sharing } from "../actions/actions.ts";
import { chordOf, shown } from "../actions/keys.ts";
import { same } from "../model/document.ts";
import { PRESETS } from "../actions/presets.ts";
import type { Dialogs } from "./dialogs.ts";

const GROUPS = ["Tools", "Edit", "Objects", "View", "Frames", "Task", "Review"] as const;
const MODIFIERS = new Set(["Control", "Shift", "Alt", "Meta", "AltGraph"]);

export function helpSheet(d: Dialogs): TemplateResult {
  const { session } = d;
  const changed = Object.keys(session.settings.get("shortcuts")).length > 0;
  const adopt = (e: Event): void => {
    const preset = PRESETS.find((p) => p.name === (e.target as HTMLSelectElement).value);
    if (!preset) return;
    session.settings.set("shortcuts", preset.keys);
    session.settings.set("classDraws", preset.classDraws ?? false);
  };
  const back = (): void => {
    session.settings.set("shortcuts", {});
    session.settings.reset("classDraws");
  };
  const like = PRESETS.find((p) => same(p.keys, session.settings.get("shortcuts")));
  return html`
    <p class="muted">Space held: move the view. Wheel: zoom at the pointer. Right button: what can be done here. Ctrl held with a drawing tool: select. Click a key to change it.</p>
    <div class="line"><label>Keys like <select @change=${adopt}><option value="" .selected=${live(!like)}>${changed ? "your own" : "choose…"}</option>${PRESETS.map((p) => html`<option value=${p.name} .selected=${live(p === like)}>${p.name}</option>`)}</select></label>
      ${changed ? html`<button class="quiet small" @click=${back}>Back to Labelwright's keys</button>` : nothing}</div>
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
  const own = action.id in session.settings.get("shortcuts");
  const start = (): void => {
    [typing.recording, typing.conflict] = [action.id, null];
    d.requestUpdate();
  };
  return html`<div class="shortcut" data-action=${action.id}><span>${action.id === "class.1" ? "Classes 1 to 9" : many ? "Answers 1 to 9 for the item" : action.label}</span>
    ${own ? html`<button class="quiet small" aria-label=${`Back to the usual key of ${action.label}`} title="Back to the usual key" @click=${() => reset(d, action)}>↺</button>` : nothing}
    <button class="keys" ?disabled=${many} aria-label=${`Change the key of ${action.label}`} @click=${start} @keydown=${(e: KeyboardEvent) => recording && record(d, action, e)}>
    ${recording ? html`<em>press a key</em>` : many ? html`${held}<kbd>1</kbd>…<kbd>9</kbd>` : keys.length ? keys.map((k) => html`<kbd>${shown(k)}</kbd>`) : html`<span class="muted">none</span>`}</button></div>
    ${conflict(d, action, keys)}`;
}

/** What else has the key: asked about before it is taken, and shown where two still share one. */
function conflict(d: Dialogs, action: Action, keys: string[]): TemplateResult | typeof nothing {
  const { session, typing } = d;
  const asked = typing.conflict?.action === action.id ? typing.conflict.chord : null;
  if (asked) {
    const others = sharing(session, action, asked).map((other) => other.label).join(", ");
    const leave = (): void => {
      typing.conflict = null;
      d.requestUpdate();
    };
    return html`<div class="conflict" role="alert"><span><kbd>${shown(asked)}</kbd> is the key of ${others}.</span>
      <button class="small" @click=${() => rebind(d, action, asked)}>Take it</button><button class="quiet small" @click=${leave}>Leave it</button></div>`;
  }
  // Only where both can be meant at once: of frames and of reviews there is often one alone.
  const usable = (a: Action): boolean => a.when?.(session) ?? true;
  const also = usable(action) ? keys.flatMap((key) => sharing(session, action, key).filter(usable)) : [];
  return also.length ? html`<div class="conflict">also the key of ${[...new Set(also.map((other) => other.label))].join(", ")}</div>` : nothing;
}

function record(d: Dialogs, action: Action, e: KeyboardEvent): void {
  if (MODIFIERS.has(e.key)) return;
  e.preventDefault();
  e.stopPropagation();
  const { session, typing } = d;
  const chord = chordOf(e);
  typing.recording = null;
  d.requestUpdate();
  if (e.key === "Escape") return;
  if (chord === "Space") return session.say("Space moves the view");
  if (sharing(session, action, chord).length) typing.conflict = { action: action.id, chord };
  else rebind(d, action, chord);
}

function reset(d: Dialogs, action: Action): void {
  const { [action.id]: _, ...rest } = d.session.settings.get("shortcuts");
  d.session.settings.set("shortcuts", rest);
}

/** Gives the chord to the action and takes it from any other that had it. */
function rebind(d: Dialogs, action: Action, chord: string): void {
  const { session } = d;
  const shortcuts = { ...session.settings.get("shortcuts") };
  for (const other of sharing(session, action, chord)) shortcuts[other.id] = keysOf(session, other).filter((k) => k !== chord);
  shortcuts[action.id] = [chord];
  d.typing.conflict = null;
  session.settings.set("shortcuts", shortcuts);
}
