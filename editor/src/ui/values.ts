// One control for each kind of attribute.

import { html, nothing, type TemplateResult } from "lit";
import { live } from "lit/directives/live.js";
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
/** More options than these are searched, not listed. */
const MANY = 24;
const FOUND = 50;

const text = (e: Event): string => (e.target as HTMLInputElement).value;

function flag({ value, mixed, disabled, set }: Field, id: string): TemplateResult {
  return html`<input id=${id} type="checkbox" class="switch" .checked=${live(value === true)} .indeterminate=${mixed} ?disabled=${disabled} @change=${(e: Event) => set((e.target as HTMLInputElement).checked)} />`;
}

function oneOf({ attribute, value, mixed, disabled, set }: Field, id: string): TemplateResult {
  const options = attribute.options ?? [];
  if (options.length > MANY) return search(id, options, typeof value === "string" ? value : "", mixed ? "several" : "search", disabled, (o) => set(o || null));
  if (options.length <= FEW && options.join("").length <= 28) {
    return html`<span class="segments" role="radiogroup" aria-labelledby=${`${id}-label`} id=${id}>${options.map((o) =>
      html`<button role="radio" aria-checked=${value === o} ?disabled=${disabled} @click=${() => set(value === o ? null : o)}>${o}</button>`)}</span>`;
  }
  return html`<select id=${id} ?disabled=${disabled} @change=${(e: Event) => set(text(e) || null)}>
    <option value="" .selected=${live(isEmpty(value))}>${mixed ? "several" : ""}</option>
    ${options.map((o) => html`<option value=${o} .selected=${live(value === o)}>${o}</option>`)}</select>`;
}

function manyOf({ attribute, value, disabled, set }: Field, id: string): TemplateResult {
  const chosen = Array.isArray(value) ? value : [];
  const flip = (o: string): void => set(chosen.includes(o) ? chosen.filter((c) => c !== o) : [...chosen, o]);
  const options = attribute.options ?? [];
  const many = options.length > MANY;
  return html`<span class="chips" role="group" aria-labelledby=${`${id}-label`} id=${many ? nothing : id}>${(many ? chosen : options).map((o) =>
    html`<button class="chip" aria-pressed=${chosen.includes(o)} ?disabled=${disabled} @click=${() => flip(o)}>${o}</button>`)}
    ${many ? search(id, options, "", "add", disabled, (o) => o && !chosen.includes(o) && flip(o)) : nothing}</span>`;
}

/** An input that offers the options which fit what is typed; `set` gets one of them, or "" when it is emptied. */
function search(id: string, options: string[], value: string, hint: string, disabled: boolean, set: (option: string) => void): TemplateResult {
  const exact = (typed: string): string | undefined => options.find((o) => o.toLowerCase() === typed.trim().toLowerCase());
  const offer = (e: Event): void => {
    const typed = text(e).trim().toLowerCase();
    const fitting = options.filter((o) => o.toLowerCase().includes(typed)).slice(0, FOUND);
    const list = (e.target as HTMLInputElement).nextElementSibling as HTMLDataListElement;
    list.replaceChildren(...fitting.map((o) => new Option(o)));
  };
  const take = (e: Event): void => {
    const input = e.target as HTMLInputElement;
    const typed = input.value.trim();
    const fitting = options.filter((o) => o.toLowerCase().includes(typed.toLowerCase()));
    const option = typed === "" ? "" : (exact(typed) ?? (fitting.length === 1 ? fitting[0] : undefined));
    // What is no option is not kept: the field goes back to what is set.
    input.value = option ?? value;
    if (option !== undefined) set(option);
    if (!value) input.value = "";
  };
  return html`<input id=${id} type="text" role="combobox" aria-expanded="false" list="${id}-options" autocomplete="off" placeholder=${hint} .value=${value} ?disabled=${disabled} @focus=${offer} @input=${offer} @change=${take} /><datalist id="${id}-options"></datalist>`;
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
