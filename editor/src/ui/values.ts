// One control for each kind of attribute.

import { html, nothing, type TemplateResult } from "lit";
import type { AttributeValue } from "../model/document.ts";
import { isEmpty } from "../model/document.ts";
import type { Attribute } from "../model/work.ts";

interface Field {
  attribute: Attribute;
  /** undefined: not set; null: the selected objects differ. */
  value: AttributeValue | undefined;
  mixed: boolean;
  disabled: boolean;
  set(value: AttributeValue): void;
}

const FEW = 5;

const text = (e: Event): string => (e.target as HTMLInputElement).value;

function flag({ value, mixed, disabled, set }: Field, id: string): TemplateResult {
  return html`<input id=${id} type="checkbox" class="switch" .checked=${value === true} .indeterminate=${mixed} ?disabled=${disabled} @change=${(e: Event) => set((e.target as HTMLInputElement).checked)} />`;
}

function oneOf({ attribute, value, mixed, disabled, set }: Field, id: string): TemplateResult {
  const options = attribute.options ?? [];
  if (options.length <= FEW && options.join("").length <= 28) {
    return html`<span class="segments" role="radiogroup" aria-labelledby=${`${id}-label`} id=${id}>${options.map((o) =>
      html`<button role="radio" aria-checked=${value === o} ?disabled=${disabled} @click=${() => set(value === o ? null : o)}>${o}</button>`)}</span>`;
  }
  return html`<select id=${id} ?disabled=${disabled} @change=${(e: Event) => set(text(e) || null)}>
    <option value="" ?selected=${isEmpty(value)}>${mixed ? "several" : ""}</option>
    ${options.map((o) => html`<option value=${o} ?selected=${value === o}>${o}</option>`)}</select>`;
}

function manyOf({ attribute, value, disabled, set }: Field, id: string): TemplateResult {
  const chosen = Array.isArray(value) ? value : [];
  const flip = (o: string): void => set(chosen.includes(o) ? chosen.filter((c) => c !== o) : [...chosen, o]);
  return html`<span class="chips" role="group" aria-labelledby=${`${id}-label`} id=${id}>${(attribute.options ?? []).map((o) =>
    html`<button class="chip" aria-pressed=${chosen.includes(o)} ?disabled=${disabled} @click=${() => flip(o)}>${o}</button>`)}</span>`;
}

function number({ value, mixed, disabled, set }: Field, id: string): TemplateResult {
  const parse = (e: Event): AttributeValue => (text(e) === "" || Number.isNaN(Number(text(e))) ? null : Number(text(e)));
  return html`<input id=${id} type="number" step="any" .value=${value == null ? "" : String(value)} placeholder=${mixed ? "several" : ""} ?disabled=${disabled} @change=${(e: Event) => set(parse(e))} />`;
}

function words({ value, mixed, disabled, set }: Field, id: string): TemplateResult {
  return html`<input id=${id} type="text" .value=${value == null ? "" : String(value)} placeholder=${mixed ? "several" : ""} ?disabled=${disabled} @input=${(e: Event) => set(text(e))} />`;
}

const CONTROLS = { flag, one_of: oneOf, many_of: manyOf, number, text: words };

/** The attribute's name and its control. */
export function field(f: Field, scope: string): TemplateResult {
  const id = `value-${scope}-${f.attribute.name.replace(/\W/g, "_")}`;
  const missing = f.attribute.required && !f.mixed && isEmpty(f.value) && f.value !== false;
  return html`<div class="field ${f.attribute.kind} ${missing ? "missing" : ""}" data-attribute=${f.attribute.name}>
    <label id=${`${id}-label`} for=${id}>${f.attribute.display_name || f.attribute.name}${f.attribute.required ? html`<span class="required" title="Required"> *</span>` : nothing}</label>
    ${CONTROLS[f.attribute.kind](f, id)}</div>`;
}
