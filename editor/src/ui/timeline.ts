// Frames, their values and the tracks of a video: one canvas, however many there are.

import { html, type TemplateResult } from "lit";
import type { LabelObject } from "../model/document.ts";
import { icon } from "./icons.ts";
import { Panel, from } from "./panel.ts";
import { type Colors, HEAD, LABELS, ROW, type Run, Sheet, runsOf } from "./timeline-sheet.ts";

/** More tracks than these are scrolled to those in the picture. */
const MANY = 50;

/** What stands in the rows: the values of each attribute of frames, which stay, and tracks, which scroll. */
interface Rows {
  lanes: { name: string; runs: Run[] }[];
  tracks: LabelObject[];
}

/** Least and greatest height, in pixels. */
const LEAST = 84;
const MOST = 480;

export class Timeline extends Panel {
  private top = 0;
  private first = 0;
  private perFrame = 0;
  private known: Rows | null = null;
  /** The track that was selected when this was last drawn. */
  private chosen: number | null = null;
  private themed: { theme: string; colors: Colors } | null = null;
  private stopStore: (() => void) | null = null;
  private requested = false;
  private scrubbing = false;
  /** Where a range of frames is being dragged from. */
  private rangeFrom: number | null = null;
  /** Where the names were pressed: dragged, they scroll. */
  private scrollFrom: number | null = null;

  protected sources() {
    return from(this.session.changed);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const { session } = this;
    const changed = (): void => {
      this.known = null;
      this.paintSoon();
    };
    const stops = [session.store.onChange(changed), session.bench.framed.on(() => this.follow()), session.selection.changed.on(() => this.paintSoon()), session.settings.changed.on(() => this.paintSoon())];
    this.stopStore = () => stops.forEach((stop) => stop());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.stopStore?.();
  }

  override firstUpdated(): void {
    new ResizeObserver(() => this.paintSoon()).observe(this.canvas);
    this.canvas.addEventListener("wheel", (e) => this.wheel(e), { passive: false });
  }

  private get canvas(): HTMLCanvasElement {
    return this.querySelector("canvas")!;
  }

  override render(): TemplateResult {
    const { session } = this;
    const { frames } = session;
    const id = frames.list[frames.now]?.frame_id;
    const button = (name: string, label: string, run: () => void): TemplateResult => html`<button class="quiet square" aria-label=${label} title=${label} @click=${run}>${icon(name)}</button>`;
    const height = session.settings.get("timeline");
    this.style.setProperty("--timeline", `${height}px`);
    return html`
      <div class="grip" role="separator" tabindex="0" aria-orientation="horizontal" aria-label="Height of the timeline" aria-valuemin=${LEAST} aria-valuemax=${MOST} aria-valuenow=${height} title="Drag, or Up and Down: height of the timeline"
        @pointerdown=${(e: PointerEvent) => (e.currentTarget as HTMLElement).setPointerCapture(e.pointerId)} @pointermove=${(e: PointerEvent) => e.buttons && this.setHeight(this.getBoundingClientRect().bottom - e.clientY)}
        @keydown=${(e: KeyboardEvent) => this.resizeBy(e)}></div>
      <div class="transport">
        ${button("first", "First frame", () => frames.go(0))}
        ${button("left", "Previous frame (A)", () => frames.step(-1))}
        ${button(frames.playing ? "pause" : "play", frames.playing ? "Pause (W)" : "Play (W)", () => frames.toggle())}
        ${button("right", "Next frame (D)", () => frames.step(1))}
        ${button("last", "Last frame", () => frames.go(frames.count - 1))}
        <select class="speed" aria-label="Speed of playing" .value=${String(frames.speed)} @change=${(e: Event) => frames.setSpeed(Number((e.target as HTMLSelectElement).value))}>${[0.25, 0.5, 1, 2].map((speed) => html`<option value=${speed} ?selected=${frames.speed === speed}>${speed}×</option>`)}</select>
        <label class="figure">Frame <input type="number" class="frame-number" min="1" max=${frames.count} .value=${String(frames.now + 1)} @change=${(e: Event) => frames.go(Number((e.target as HTMLInputElement).value) - 1)} /> <span class="muted">of ${frames.count.toLocaleString("en")}</span></label>
        ${id ? html`<span class="muted frame-id" title="Frame id">${id}</span>` : ""}
        ${frames.range ? html`<button class="quiet small range" title="Shift and drag over the numbers chooses a range; a click here: none" @click=${() => frames.choose(null)}>${frames.range[0] + 1}–${frames.range[1] + 1} ✕</button>` : ""}
        ${frames.loading ? html`<span class="muted" role="status">loading…</span>` : ""}
        <span class="spacer"></span>
        <span class="muted wide">Q E keyframes, F key, U outside</span>
      </div>
      <canvas tabindex="0" role="slider" aria-label="Frame" aria-valuemin="1" aria-valuemax=${frames.count} aria-valuenow=${frames.now + 1}
        aria-valuetext=${`Frame ${frames.now + 1} of ${frames.count}${id ? `, ${id}` : ""}`} @keydown=${(e: KeyboardEvent) => this.key(e)}
        @pointerdown=${(e: PointerEvent) => this.press(e)} @pointermove=${(e: PointerEvent) => this.drag(e)} @pointerup=${() => this.letGo()} @pointercancel=${() => this.letGo()} @contextmenu=${(e: MouseEvent) => this.menu(e)}></canvas>`;
  }

  override updated(): void {
    this.paintSoon();
  }

  private setHeight(height: number): void {
    this.session.settings.set("timeline", Math.round(Math.min(MOST, innerHeight / 2, Math.max(LEAST, height))));
    this.requestUpdate();
  }

  private resizeBy(e: KeyboardEvent): void {
    const by = { ArrowUp: ROW, ArrowDown: -ROW }[e.key];
    if (!by) return;
    e.preventDefault();
    e.stopPropagation();
    this.setHeight(this.session.settings.get("timeline") + by);
  }

  /** The keys of a slider; they stay here, since elsewhere the arrows move objects. */
  private key(e: KeyboardEvent): void {
    if (e.ctrlKey || e.metaKey || e.altKey || e.shiftKey) return;
    const { frames } = this.session;
    const to = { ArrowLeft: frames.now - 1, ArrowDown: frames.now - 1, ArrowRight: frames.now + 1, ArrowUp: frames.now + 1, PageDown: frames.now - 10, PageUp: frames.now + 10, Home: 0, End: frames.count - 1 }[e.key];
    if (to === undefined) return;
    e.preventDefault();
    e.stopPropagation();
    frames.pause();
    frames.go(to);
  }

  private follow(): void {
    const shown = (this.canvas.clientWidth - LABELS) / this.perFrame;
    const { now } = this.session.frames;
    if (now < this.first || now >= this.first + shown - 1) this.first = Math.max(0, Math.round(now - shown / 4));
    this.revealSeen();
    this.paintSoon();
  }

  private paintSoon(): void {
    if (this.requested) return;
    this.requested = true;
    requestAnimationFrame(() => {
      this.requested = false;
      if (this.isConnected && this.querySelector("canvas")) this.paint();
    });
  }

  /** Always in the same order, so that no row moves away under the pointer. */
  private get rows(): Rows {
    if (this.known) return this.known;
    const { store, ontology } = this.session;
    const lanes = ontology.forFrame().map((attribute) => ({ name: attribute.display_name || attribute.name, runs: runsOf(attribute, store.frames) }));
    const tracks = [...store.objects].filter((o) => o.keyframes).sort((a, b) => a.id - b.id);
    return (this.known = { lanes, tracks });
  }

  /** Where the tracks begin, below ruler and values. */
  private get head(): number {
    return HEAD + this.rows.lanes.length * ROW;
  }

  private paint(): void {
    const { canvas, session } = this;
    this.reveal();
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) [canvas.width, canvas.height] = [Math.round(w * ratio), Math.round(h * ratio)];
    const c = canvas.getContext("2d")!;
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, w, h);
    const { count, now, range } = session.frames;
    const least = Math.max(0.02, (w - LABELS - 12) / count);
    this.perFrame = Math.max(least, Math.min(this.perFrame || least, 40));
    const sheet = new Sheet(c, w, h, this.first, this.perFrame, count, this.colors());
    sheet.ruler();
    sheet.comments(session.talk.comments);
    if (range) sheet.range(range);
    const { lanes, tracks } = this.rows;
    lanes.forEach((lane, i) => sheet.lane(lane.name, lane.runs, HEAD + i * ROW));
    const { head } = this;
    c.save();
    c.beginPath();
    c.rect(0, head, w, h - head);
    c.clip();
    const from = Math.floor(this.top / ROW);
    const { ontology, selection, editor } = session;
    tracks.slice(from, from + Math.ceil((h - head) / ROW) + 1).forEach((track, i) => {
      const name = `${ontology.label(track.class)} ${track.id}`;
      sheet.track(track, name, editor?.look.color(track.id) ?? "#888888", selection.has(track.id), head + (from + i) * ROW - this.top);
    });
    c.restore();
    sheet.now(now);
  }

  /** The page's colours; looked up once a theme. */
  private colors(): Colors {
    const theme = this.session.settings.get("theme");
    if (this.themed?.theme !== theme) {
      const style = getComputedStyle(this);
      const [text, muted, grid, accent] = ["--text", "--muted", "--line", "--accent"].map((name) => resolved(style, name));
      this.themed = { theme, colors: { text, muted, grid, accent } };
    }
    return this.themed.colors;
  }

  /** Scrolls to a track that was selected elsewhere, once: then the wheel is free again. */
  private reveal(): void {
    const { only } = this.session.selection;
    if (only === this.chosen) return;
    this.chosen = only;
    const at = this.rows.tracks.findIndex((track) => track.id === only);
    const room = this.canvas.clientHeight - this.head;
    if (at >= 0 && at * ROW < this.top) this.top = at * ROW;
    else if (at >= 0 && (at + 1) * ROW > this.top + room) this.top = (at + 1) * ROW - room;
  }

  /** Of many tracks, scrolls to those in the picture when none of them is in view and nothing is selected. */
  private revealSeen(): void {
    const { bench, selection } = this.session;
    const { tracks } = this.rows;
    const from = Math.floor(this.top / ROW);
    const inView = tracks.slice(from, from + Math.floor((this.canvas.clientHeight - this.head) / ROW));
    const seen = (track: LabelObject): boolean => bench.shapeOf(track.id) !== null;
    if (tracks.length < MANY || selection.ids.size || inView.some(seen)) return;
    const first = tracks.findIndex(seen);
    if (first >= 0) this.top = first * ROW;
  }

  private frameAt(e: PointerEvent): number {
    const box = this.canvas.getBoundingClientRect();
    return Math.floor(this.first + (e.clientX - box.left - LABELS) / this.perFrame);
  }

  private press(e: PointerEvent): void {
    const box = this.canvas.getBoundingClientRect();
    const track = this.trackAt(e);
    if (e.button !== 0) return;
    if (track) this.session.selection.set([track.id]);
    if (e.clientX - box.left < LABELS) {
      this.scrollFrom = e.clientY;
      return this.canvas.setPointerCapture(e.pointerId);
    }
    this.scrubbing = true;
    this.rangeFrom = e.shiftKey ? this.frameAt(e) : null;
    this.canvas.setPointerCapture(e.pointerId);
    this.scrub(e);
  }

  private letGo(): void {
    [this.scrubbing, this.scrollFrom] = [false, null];
  }

  private drag(e: PointerEvent): void {
    if (this.scrubbing) return this.scrub(e);
    if (this.scrollFrom === null) return;
    this.scrollRows(this.scrollFrom - e.clientY);
    this.scrollFrom = e.clientY;
    this.paintSoon();
  }

  /** Down over the tracks by so many pixels. */
  private scrollRows(by: number): void {
    this.top = Math.max(0, Math.min(this.top + by, this.rows.tracks.length * ROW - (this.canvas.clientHeight - this.head)));
  }

  /** What can be done with the track under the pointer, which the press has selected. */
  private menu(e: MouseEvent): void {
    e.preventDefault();
    this.letGo();
    const track = this.trackAt(e);
    if (!track) return;
    this.session.selection.set([track.id]);
    this.session.openMenu({ x: e.clientX, y: e.clientY, place: null, on: true });
  }

  private trackAt(e: MouseEvent): LabelObject | undefined {
    const y = e.clientY - this.canvas.getBoundingClientRect().top;
    return y > this.head ? this.rows.tracks[Math.floor((y - this.head + this.top) / ROW)] : undefined;
  }

  private scrub(e: PointerEvent): void {
    const { frames } = this.session;
    if (this.rangeFrom !== null) return frames.choose(this.rangeFrom, this.frameAt(e));
    frames.pause();
    frames.go(this.frameAt(e));
  }

  private wheel(e: WheelEvent): void {
    e.preventDefault();
    const box = this.canvas.getBoundingClientRect();
    const { count } = this.session.frames;
    if (e.ctrlKey) {
      const at = this.first + (e.clientX - box.left - LABELS) / this.perFrame;
      this.perFrame *= Math.exp(-e.deltaY * 0.005);
      this.first = Math.max(0, at - (e.clientX - box.left - LABELS) / this.perFrame);
    } else if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) this.first += (e.deltaX || e.deltaY) / this.perFrame;
    else this.scrollRows(e.deltaY);
    const shown = (box.width - LABELS) / this.perFrame;
    this.first = Math.max(0, Math.min(this.first, count - shown + 1));
    this.paintSoon();
  }
}

/** A token's present colour; `light-dark()` is only worked out on a real property. */
function resolved(style: CSSStyleDeclaration, name: string): string {
  const probe = document.createElement("i");
  probe.className = "probe";
  document.body.append(probe);
  probe.style.color = style.getPropertyValue(name);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}
