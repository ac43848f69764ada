// The objects of this frame: found, selected, hidden and locked in a list of any length.

import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { classMap } from "lit/directives/class-map.js";
import * as objects from "../actions/objects.ts";
import { patternOf } from "../editor/look.ts";
import { center } from "../geometry/plane.ts";
import { boundsFor, kindLabel } from "../shapes/index.ts";
import { swatch } from "../shapes/patterns.ts";
import type { LabelObject } from "../model/document.ts";
import { icon } from "./icons.ts";
import { Panel, from } from "./panel.ts";
import { visibleRows } from "./virtual-list.ts";

const ROW = 30;
const KIND_ICONS: Record<string, string> = {
  rectangle: "square", oriented_rectangle: "diamond", polygon: "pentagon", polyline: "line", point: "point", landmarks: "landmarks", skeleton: "person", cuboid: "box", mask: "brush",
};

export class ObjectList extends Panel {
  private top = 0;
  private room = 400;
  private query = "";
  private scope: "frame" | "all" = "frame";
  private ids: number[] = [];
  private observer: ResizeObserver | null = null;
  private stopStore: (() => void) | null = null;
  private shownSelection: number | null = null;

  protected sources() {
    const { session } = this;
    return from(session.selection.changed, session.bench.changed, session.sync.changed, session.settings.changed, session.changed);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.stopStore = this.session.store.onChange(() => this.requestUpdate());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.stopStore?.();
    this.observer?.disconnect();
  }

  override firstUpdated(): void {
    const list = this.querySelector(".rows")!;
    this.observer = new ResizeObserver(() => {
      this.room = list.clientHeight;
      this.requestUpdate();
    });
    this.observer.observe(list);
  }

  override updated(_: PropertyValues): void {
    const { only } = this.session.selection;
    if (only === this.shownSelection) return;
    this.shownSelection = only;
    const index = only === null ? -1 : this.ids.indexOf(only);
    const list = this.querySelector(".rows");
    if (index < 0 || !list) return;
    if (index * ROW < list.scrollTop) list.scrollTop = index * ROW;
    else if ((index + 1) * ROW > list.scrollTop + list.clientHeight) list.scrollTop = (index + 1) * ROW - list.clientHeight;
  }

  private find(): number[] {
    const { session } = this;
    const all = this.scope === "all" || !session.bench.parts.video ? [...session.store.objects].map((o) => o.id) : [...session.bench.scene.ids];
    const words = this.query.toLowerCase().split(/\s+/).filter(Boolean);
    const text = (o: LabelObject): string => `${o.id} ${o.class} ${session.ontology.label(o.class)} ${Object.values(o.attributes ?? {}).join(" ")}`.toLowerCase();
    const found = words.length ? all.filter((id) => words.every((word) => text(session.store.get(id)!).includes(word))) : all;
    return found.sort((a, b) => a - b);
  }

  override render(): TemplateResult {
    const { session } = this;
    this.ids = this.find();
    const n = session.store.size;
    return html`
      <div class="section-head"><h2>Objects <span class="muted figure">${this.ids.length.toLocaleString("en")}${this.ids.length < n ? ` of ${n.toLocaleString("en")}` : ""}</span></h2>
        ${session.bench.parts.video ? html`<button class="quiet small" aria-pressed=${this.scope === "all"} @click=${() => this.setScope()}>${this.scope === "all" ? "All frames" : "This frame"}</button>` : nothing}
        <input class="filter" type="search" placeholder="Filter" aria-label="Filter objects by class, number or value" .value=${this.query} @input=${(e: InputEvent) => this.filter(e)} /></div>
      <div class="rows" role="listbox" aria-label="Objects" aria-multiselectable="true" tabindex="0" @scroll=${(e: Event) => this.scrolled(e)} @keydown=${(e: KeyboardEvent) => this.key(e)}>
        ${this.ids.length ? visibleRows({ items: this.ids, height: ROW, top: this.top, room: this.room, row: (id, i) => this.row(id, i) }) : this.empty()}
      </div>`;
  }

  private empty(): TemplateResult {
    if (this.query) return html`<p class="empty">Nothing matches “${this.query}”.</p>`;
    if (this.session.store.size) return html`<p class="empty">No object in this frame.</p>`;
    return html`<p class="empty">Nothing labeled yet. Take a tool at the left and draw on the picture.</p>`;
  }

  private row(id: number, index: number): TemplateResult {
    const { session } = this;
    const object = session.store.get(id)!;
    const hidden = session.selection.hidden(id);
    const locked = objects.locked(session, object);
    const kind = session.bench.shapeOf(id)?.type ?? object.shape?.type ?? object.keyframes?.find((k) => k.shape)?.shape?.type;
    const label = `${session.ontology.label(object.class)} ${id}`;
    const refused = session.sync.refused.get(id);
    return html`
      <div class=${classMap({ row: true, hidden })} role="option" aria-selected=${session.selection.has(id)} aria-posinset=${index + 1} aria-setsize=${this.ids.length}
        data-object=${id} aria-label=${`${label}, ${kind ? kindLabel(kind) : "no shape"}`} @click=${(e: MouseEvent) => this.choose(id, index, e)} @dblclick=${() => this.zoom(id)} @contextmenu=${(e: MouseEvent) => this.menu(e, id)} @pointerenter=${() => session.selection.setHover(id)} @pointerleave=${() => session.selection.setHover(null)}>
        <span class="swatch" .style=${`background:${swatch(session.editor?.look.color(id) ?? session.ontology.color(object.class), patternOf(session.bench.parts, object.class))}`}></span>
        <span class="kind" title=${kind ? kindLabel(kind) : ""}>${icon(KIND_ICONS[kind ?? ""] ?? "more")}</span>
        <span class="name">${session.ontology.label(object.class)} <span class="muted figure">${id}</span></span>
        ${refused ? html`<span class="bad" title=${refused.message}>${icon("alert")}</span>` : nothing}
        ${this.remarked(id) ? html`<span class="warn" title="Has an open comment">${icon("comment")}</span>` : nothing}
        <button class="quiet square" tabindex="-1" aria-label=${locked ? "Unlock" : "Lock"} aria-pressed=${locked} @click=${(e: Event) => this.toggle(e, () => objects.toggleLocked(session, [id]))}>${icon(locked ? "lock" : "lockOpen")}</button>
        <button class="quiet square" tabindex="-1" aria-label=${hidden ? "Show" : "Hide"} aria-pressed=${hidden} @click=${(e: Event) => this.toggle(e, () => session.selection.hide([id], !hidden))}>${icon(hidden ? "eyeOff" : "eye")}</button>
        ${object.source === "model" ? html`<span class="chip small" title="Drawn by a model">${object.score != null ? object.score.toFixed(2) : "model"}</span>` : nothing}
      </div>`;
  }

  private remarked(id: number): boolean {
    return this.session.talk.comments.some((c) => c.object_id === id && !c.resolved);
  }

  private toggle(e: Event, run: () => void): void {
    e.stopPropagation();
    run();
  }

  private choose(id: number, index: number, e: MouseEvent): void {
    const { selection } = this.session;
    const first = this.shownSelection === null ? -1 : this.ids.indexOf(this.shownSelection);
    if (e.shiftKey && first >= 0) selection.set(this.ids.slice(Math.min(first, index), Math.max(first, index) + 1));
    else if (e.ctrlKey || e.metaKey) selection.toggle(id);
    else this.session.jumpTo(id);
  }

  private menu(e: MouseEvent, id: number): void {
    e.preventDefault();
    const { session } = this;
    if (!session.selection.has(id)) session.jumpTo(id, undefined, true);
    const shape = session.bench.shapeOf(id);
    session.openMenu({ x: e.clientX, y: e.clientY, place: shape ? center(boundsFor(shape)) : null, on: true });
  }

  private zoom(id: number): void {
    this.session.jumpTo(id);
    objects.zoomToSelected(this.session);
  }

  private key(e: KeyboardEvent): void {
    if (e.key !== "ArrowDown" && e.key !== "ArrowUp") return;
    const { selection } = this.session;
    const at = selection.only === null ? -1 : this.ids.indexOf(selection.only);
    const to = this.ids[Math.min(this.ids.length - 1, Math.max(0, at + (e.key === "ArrowDown" ? 1 : -1)))];
    if (to !== undefined) this.session.jumpTo(to);
    e.preventDefault();
    e.stopPropagation();
  }

  private filter(e: InputEvent): void {
    this.query = (e.target as HTMLInputElement).value;
    this.requestUpdate();
  }

  private setScope(): void {
    this.scope = this.scope === "all" ? "frame" : "all";
    this.requestUpdate();
  }

  private scrolled(e: Event): void {
    this.top = (e.target as HTMLElement).scrollTop;
    this.requestUpdate();
  }
}
