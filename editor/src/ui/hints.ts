// Three hints on a first visit, in place, gone with one click.

import { html, nothing, type TemplateResult } from "lit";
import type { Session } from "../actions/session.ts";

/** The same for fingers. */
const TOUCHED: Record<string, string> = {
  draw: "Take a tool at the side or below and drag on the picture. Two fingers move the view and zoom; one that rests on an object shows what can be done.",
  class: "A touch on a class sets it. With an object selected it changes that object.",
  save: "Everything is saved by itself, also without a network.",
};

const HINTS: [string, string][] = [
  ["draw", "Take a tool at the left (B draws boxes, P polygons) and drag on the picture. Space moves the view, the wheel zooms."],
  ["class", "Number keys set the class, / searches one. With an object selected they change that object."],
  ["save", "Everything is saved by itself, also without a network. Ctrl Enter submits, ? shows all keys."],
];

export function Hints(session: Session): TemplateResult | typeof nothing {
  if (!session.mayEdit) return nothing;
  const seen = session.settings.get("hintsSeen");
  const next = HINTS.find(([id]) => !seen.includes(id));
  if (!next) return nothing;
  const left = HINTS.length - HINTS.indexOf(next);
  const dismiss = (ids: string[]): void => {
    session.settings.set("hintsSeen", [...seen, ...ids]);
    session.changed.emit();
  };
  return html`<div class="hint-card" role="note"><p>${matchMedia("(pointer: coarse)").matches ? TOUCHED[next[0]] : next[1]}</p><div class="line"><button class="quiet small" @click=${() => dismiss(HINTS.map(([id]) => id))}>No hints</button><span class="spacer"></span><button class="small" @click=${() => dismiss([next[0]])}>${left > 1 ? "Next" : "Got it"}</button></div></div>`;
}
