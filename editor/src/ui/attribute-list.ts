// Attributes of what is selected; of the frame and the item when nothing is.

import { html, nothing, type TemplateResult } from "lit";
import * as objects from "../actions/objects.ts";
import { type AttributeValue, same } from "../model/document.ts";
import { attributesAt, at, keyAt } from "../model/track.ts";
import type { Attribute } from "../model/work.ts";
import { kindOf } from "../shapes/index.ts";
import { icon } from "./icons.ts";
import { Panel, from } from "./panel.ts";
import { field } from "./values.ts";
import { REASONS } from "./verdicts.ts";

/** Fields on the page at first; more follow as one scrolls to where they belong. */
const PORTION = 30;

export class AttributeList extends Panel {
  private stopStore: (() => void) | null = null;
  /** How many fields there are to be seen, and of what: of another class it begins anew. */
  private limit = PORTION;
  private of = "";
  private readonly nearEnd = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && this.showMore(), { rootMargin: "200px" });

  protected sources() {
    const { session } = this;
    return from(session.selection.changed, session.bench.changed, session.sync.changed, session.changed);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.stopStore = this.session.store.onChange(() => this.requestUpdate());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.stopStore?.();
    this.nearEnd.disconnect();
  }

  override updated(): void {
    this.nearEnd.disconnect();
    const end = this.querySelector(".more-fields");
    if (end) this.nearEnd.observe(end);
  }

  private showMore(): void {
    this.limit += PORTION;
    this.requestUpdate();
  }

  /** Puts the attribute's field on the page, where it is not yet among those shown. */
  reveal(name: string): void {
    const index = this.session.ontology.attributes.findIndex((a) => a.name === name);
    if (index >= this.limit) this.limit = index + PORTION;
    this.requestUpdate();
  }

  /** Of another class, or of the item again: from the beginning. */
  private begin(of: string): void {
    if (of !== this.of) [this.of, this.limit] = [of, PORTION];
  }

  /** The first of many fields. */
  private portion(attributes: Attribute[]): { shown: Attribute[]; more: TemplateResult | typeof nothing } {
    const left = attributes.length - this.limit;
    const more = html`<button class="quiet small more-fields" @click=${() => this.showMore()}>Show ${Math.min(left, PORTION)} more of ${left.toLocaleString("en")}</button>`;
    return left > 0 ? { shown: attributes.slice(0, this.limit), more } : { shown: attributes, more: nothing };
  }

  override render(): TemplateResult | typeof nothing {
    return this.session.selection.ids.size ? this.ofObjects() : this.ofItem();
  }

  private ofObjects(): TemplateResult {
    const { session } = this;
    const chosen = [...session.selection.ids].map((id) => session.store.get(id)!);
    const classes = [...new Set(chosen.map((o) => o.class))];
    this.begin(classes.join("/"));
    const taken = classes.map((c) => new Set(session.ontology.forClass(c)));
    const attributes = [...taken[0]].filter((a) => taken.every((set) => set.has(a)));
    const disabled = !chosen.some((o) => session.bench.editable(o.id));
    const values = chosen.slice(0, 500).map((o) => attributesAt(o, session.bench.frame));
    const { shown, more } = this.portion(attributes);
    const rows = shown.map((attribute) => {
      const first = values[0][attribute.name];
      const mixed = values.some((v) => !same(v[attribute.name], first));
      return field({ attribute, value: mixed ? null : first, mixed, disabled: disabled || session.ontology.readOnly(attribute), set: (value) => objects.setAttribute(session, attribute, value) }, "object");
    });
    return html`<div class="section-head"><h2>${this.heading()}</h2>${this.trackButtons()}
      <button class="quiet square" aria-label="Delete" title="Delete (Del)" ?disabled=${disabled} @click=${() => objects.remove(session)}>${icon("trash")}</button></div>
      <p class="muted measure figure">${this.measure()}</p>
      ${rows.length ? html`<div class="fields">${rows}${more}</div>` : nothing}
      ${session.reviewing && session.selection.only !== null ? this.marks(session.selection.only) : nothing}`;
  }

  /** In review: what is wrong with this one object, for its author. */
  private marks(id: number): TemplateResult {
    const { session } = this;
    const reasons = session.work.project.reasons.length ? session.work.project.reasons : REASONS;
    const said = session.talk.comments.filter((c) => c.object_id === id && !c.resolved);
    return html`<div class="marks" role="group" aria-label="What is wrong with it">${reasons.map((reason) => {
      const mark = said.find((c) => c.body === reason);
      return html`<button class="chip" aria-pressed=${!!mark} @click=${() => (mark ? session.talk.settle(mark.uid, true) : session.talk.add(reason, { object_id: id, frame: session.bench.parts.video ? session.bench.frame : null }))}>${reason}</button>`;
    })}</div>`;
  }

  private heading(): string {
    const { selection, store, ontology } = this.session;
    if (selection.only === null) return `${selection.ids.size.toLocaleString("en")} selected`;
    return `${ontology.label(store.get(selection.only)!.class)} ${selection.only}`;
  }

  private measure(): string {
    const { session } = this;
    const id = session.selection.only;
    const shape = id === null ? null : session.bench.shapeOf(id);
    if (!shape) return id === null ? "Changes apply to all of them" : "Not in this frame";
    const object = session.store.get(id!)!;
    const key = object.keyframes ? (keyAt(object, session.bench.frame) ? ", keyframe" : ", between keyframes") : "";
    return kindOf(shape).measure(shape, session.bench.size) + key;
  }

  private trackButtons(): TemplateResult | typeof nothing {
    const { session } = this;
    const id = session.selection.only;
    const object = id === null ? null : session.store.get(id);
    if (!object?.keyframes) return nothing;
    const gone = !at(object, session.bench.frame);
    return html`<button class="quiet small" aria-pressed=${!!keyAt(object, session.bench.frame)} @click=${() => objects.toggleKeyframe(session)} title="Set or remove a keyframe here (F)">Key</button>
      <button class="quiet small" aria-pressed=${gone} @click=${() => objects.toggleOutside(session)} title="Out of the picture from here (U)">Outside</button>`;
  }

  private ofItem(): TemplateResult | typeof nothing {
    const { session } = this;
    const disabled = !session.mayEdit;
    const make = (list: Attribute[], values: (name: string) => AttributeValue | undefined, scope: string, set: (name: string, value: AttributeValue) => void): TemplateResult[] =>
      list.map((attribute) => {
        const value = values(attribute.name);
        return field({ attribute, value, mixed: value === null, disabled: disabled || session.ontology.readOnly(attribute), set: (to) => set(attribute.name, to) }, scope);
      });
    this.begin("");
    const ofItem = this.portion(session.ontology.forItem());
    const item = make(ofItem.shown, (name) => session.store.attributes[name] ?? undefined, "item", (name, value) => objects.setItemAttribute(session, name, value));
    const [first, last] = objects.framesInHand(session);
    const ofFrame = this.portion(session.bench.parts.video ? session.ontology.forFrame() : []);
    const frame = make(ofFrame.shown, (name) => this.valueOn(first, last, name), "frame", (name, value) => objects.setFrameAttribute(session, name, value));
    if (!item.length && !frame.length) return nothing;
    return html`
      ${item.length ? html`<div class="section-head"><h2>Item</h2></div><div class="fields">${item}${ofItem.more}</div>` : nothing}
      ${frame.length ? html`<div class="section-head"><h2>${first === last ? `Frame ${first + 1}` : `Frames ${first + 1} to ${last + 1}`}</h2></div><div class="fields">${frame}${ofFrame.more}</div>` : nothing}`;
  }

  /** The value on these frames; null where they differ. */
  private valueOn(first: number, last: number, name: string): AttributeValue | undefined {
    const { frames } = this.session.store;
    const value = frames[String(first)]?.[name] ?? undefined;
    for (let frame = first + 1; frame <= last; frame++) if (!same(frames[String(frame)]?.[name], value)) return null;
    return value;
  }
}
