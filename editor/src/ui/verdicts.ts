// What is in the way of submitting, both sides of a clash, and the reason for a return or a skip.

import { html, nothing, type TemplateResult } from "lit";
import { attributesAt } from "../model/track.ts";
import type { LabelObject } from "../model/document.ts";
import type { Missing } from "../model/ontology.ts";
import type { Clash, Problem } from "../model/work.ts";
import { kindLabel, kindOf } from "../shapes/index.ts";
import type { AttributeList } from "./attribute-list.ts";
import type { Dialogs } from "./dialogs.ts";

/** Reasons where the project names none. */
export const REASONS = ["wrong class", "missing object", "not tight", "wrong attribute", "extra object"];

/** Goes to an attribute's field, which may be far down among many. */
async function focusField(name: string): Promise<void> {
  const list = document.querySelector<AttributeList>("lw-attributes");
  list?.reveal(name);
  await list?.updateComplete;
  requestAnimationFrame(() => list?.querySelector<HTMLElement>(`[data-attribute="${CSS.escape(name)}"] :is(input, select, button)`)?.focus());
}

export function missingView(d: Dialogs): TemplateResult {
  const { session } = d;
  const jump = (p: Missing | Problem): void => {
    d.close();
    if ("gap" in p) return session.nextGap(p.frame);
    const id = "object" in p ? p.object : (p as Problem).object_id;
    if (id != null) session.jumpTo(id, "frame" in p ? p.frame : undefined);
    else session.selection.clear();
    if (id == null && "frame" in p && p.frame != null) session.frames.go(p.frame);
    const name = "attribute" in p ? p.attribute : undefined;
    if (name) requestAnimationFrame(() => void focusField(name));
  };
  return html`<p>Nothing is lost; this is still to do:</p>
    <ul class="todo">${session.problems.slice(0, 200).map((p, i) => html`<li><button class="link" ?autofocus=${i === 0} @click=${() => jump(p)}>${"text" in p ? p.text : problemText(p)}</button></li>`)}</ul>
    ${session.problems.every((p) => "gap" in p) ? html`<footer><button class="primary" @click=${() => { d.close(); void session.submit(true); }}>Submit with gaps</button></footer>` : nothing}
    ${session.problems.length > 200 ? html`<p class="muted">and ${(session.problems.length - 200).toLocaleString("en")} more</p>` : nothing}`;
}

const problemText = (p: Problem): string => `${p.object_id != null ? `Object ${p.object_id}: ` : ""}${p.message}${p.field ? ` (${p.field})` : ""}`;

function side(d: Dialogs, object: LabelObject | null, label: string, chosen: boolean, choose: () => void): TemplateResult {
  const { session } = d;
  const shape = object?.shape ?? object?.keyframes?.find((k) => k.shape)?.shape;
  const values = object ? Object.entries(attributesAt(object, session.bench.frame)) : [];
  return html`<button class="side" role="radio" aria-checked=${chosen} @click=${choose}><strong>${label}</strong>
    ${object
      ? html`<span>${session.ontology.label(object.class)}${shape ? html`, ${kindLabel(shape.type).toLowerCase()}` : nothing}</span>
        ${shape ? html`<span class="muted figure">${kindOf(shape).measure(shape, session.bench.size)}${object.keyframes ? `, ${object.keyframes.length} keyframes` : ""}</span>` : nothing}
        ${values.map(([name, value]) => html`<span class="muted">${name}: ${String(value)}</span>`)}`
      : html`<span class="muted">deleted</span>`}</button>`;
}

export function clashView(d: Dialogs): TemplateResult {
  const { session, typing } = d;
  const { clashes } = session.sync;
  const choose = (c: Clash, mine: boolean): void => {
    if (mine) typing.mine.add(c.object_id);
    else typing.mine.delete(c.object_id);
    d.requestUpdate();
  };
  const settle = (): void => {
    session.sync.resolve(typing.mine);
    d.close();
  };
  return html`<p>While you worked, somebody else changed the same objects. Nothing has been overwritten: choose for each which side is to stay.</p>
    <div class="clashes">${clashes.map((c) => html`<div class="clash" role="radiogroup" aria-label=${`Object ${c.object_id}`}><h2>Object ${c.object_id}</h2><div class="sides">
      ${side(d, c.yours, "Yours", typing.mine.has(c.object_id), () => choose(c, true))}
      ${side(d, c.theirs, "Theirs", !typing.mine.has(c.object_id), () => choose(c, false))}</div></div>`)}</div>
    <footer><button class="primary" autofocus @click=${settle}>Keep these and save</button></footer>`;
}

export function reasonView(d: Dialogs, dialog: string): TemplateResult {
  const { session, typing } = d;
  const rejecting = dialog === "reject";
  const given = session.work.project.reasons;
  const reasons = rejecting ? (given?.length ? given : REASONS) : [];
  const ready = rejecting ? !!typing.reason : !!typing.text.trim();
  const send = (e: Event): void => {
    e.preventDefault();
    if (!ready) return;
    // It stays open until that is done: what is written is not lost with the network.
    void (rejecting ? session.reject(typing.reason, typing.text.trim()) : session.skip(typing.text.trim()));
  };
  const pick = (reason: string): void => {
    typing.reason = reason;
    d.requestUpdate();
    d.querySelector("textarea")?.focus();
  };
  const key = (e: KeyboardEvent): void => {
    if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) return send(e);
    const index = Number(e.key) - 1;
    if (rejecting && !(e.target instanceof HTMLTextAreaElement) && reasons[index]) {
      e.preventDefault();
      pick(reasons[index]);
    }
  };
  return html`<form @submit=${send} @keydown=${key}>
    ${rejecting ? html`<p id="reason-label">Why? The author sees the reason and your comment.</p>
      <div class="reasons" role="radiogroup" aria-labelledby="reason-label">${reasons.map((r, i) => html`<button type="button" class="chip" role="radio" aria-checked=${typing.reason === r} ?autofocus=${i === 0} @click=${() => pick(r)}>${r}${i < 9 ? html` <kbd>${i + 1}</kbd>` : nothing}</button>`)}</div>` : nothing}
    <label class="stack">${rejecting ? "Comment" : "Why can it not be labeled?"}<textarea rows="3" ?autofocus=${!rejecting} .value=${typing.text} @input=${(e: InputEvent) => { typing.text = (e.target as HTMLTextAreaElement).value; d.requestUpdate(); }}></textarea></label>
    ${session.notice ? html`<p class="warn" role="alert">${session.notice}</p>` : nothing}
    <footer><button type="button" class="quiet" @click=${() => d.close()}>Cancel</button><button class=${rejecting ? "danger" : "primary"} ?disabled=${!ready}>${rejecting ? "Return to author" : "Skip"}</button></footer></form>`;
}
