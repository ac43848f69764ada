// Frames and tracks of a video: one canvas, however many there are. A row a track: a bar where it is in the picture,
// a diamond at each keyframe.

import { html, type TemplateResult } from "lit";
import { visibleSpans } from "../model/track.ts";
import type { LabelObject } from "../model/document.ts";
import { icon } from "./icons.ts";
import { Panel, from } from "./panel.ts";

const ROW = 18;
const HEAD = 22;
const LABELS = 120;
/** Least and greatest height, in pixels. */
const LEAST = 84;
const MOST = 480;

export class Timeline extends Panel {
  private top = 0;
  private first = 0;
  private perFrame = 0;
  private tracks: LabelObject[] = [];
  private stopStore: (() => void) | null = null;
  private requested = false;
  private scrubbing = false;
  /** Where a range of frames is being dragged from. */
  private rangeFrom: number | null = null;

  protected sources() {
    return from(this.session.changed);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const { session } = this;
    const stops = [session.store.onChange(() => this.paintSoon()), session.bench.framed.on(() => this.follow()), session.selection.changed.on(() => this.paintSoon()), session.settings.changed.on(() => this.paintSoon())];
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
        @pointerdown=${(e: PointerEvent) => this.press(e)} @pointermove=${(e: PointerEvent) => this.scrubbing && this.scrub(e)} @pointerup=${() => (this.scrubbing = false)} @pointercancel=${() => (this.scrubbing = false)}></canvas>`;
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

  /** Selected tracks first, then those seen in this frame, then the others. */
  private sorted(): LabelObject[] {
    const { session } = this;
    const rank = (o: LabelObject): number => (session.selection.has(o.id) ? 0 : session.bench.shapeOf(o.id) ? 1 : 2);
    return [...session.store.objects].filter((o) => o.keyframes).sort((a, b) => rank(a) - rank(b) || a.id - b.id);
  }

  private paint(): void {
    const { canvas } = this;
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) [canvas.width, canvas.height] = [Math.round(w * ratio), Math.round(h * ratio)];
    const c = canvas.getContext("2d")!;
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    const style = getComputedStyle(this);
    const [text, muted, grid, accent] = ["--text", "--muted", "--line", "--accent"].map((name) => resolved(style, name));
    c.clearRect(0, 0, w, h);
    const { count, now } = this.session.frames;
    const least = Math.max(0.02, (w - LABELS - 12) / count);
    this.perFrame = Math.max(least, Math.min(this.perFrame || least, 40));
    const x = (frame: number): number => LABELS + (frame - this.first) * this.perFrame;
    this.tracks = this.sorted();
    this.paintRuler(c, w, h, x, muted, grid);
    this.paintRange(c, h, x, accent);
    c.save();
    c.beginPath();
    c.rect(0, HEAD, w, h - HEAD);
    c.clip();
    const from = Math.floor(this.top / ROW);
    for (let i = from; i < Math.min(this.tracks.length, from + Math.ceil(h / ROW) + 1); i++) {
      this.paintTrack(c, this.tracks[i], HEAD + i * ROW - this.top, x, w, text, accent);
    }
    c.restore();
    c.fillStyle = accent;
    c.fillRect(Math.round(x(now)), 0, Math.max(2, this.perFrame), HEAD - 4);
    c.fillRect(Math.round(x(now) + this.perFrame / 2) - 0.5, HEAD - 4, 1, h);
  }

  private paintRuler(c: CanvasRenderingContext2D, w: number, h: number, x: (f: number) => number, muted: string, grid: string): void {
    const { count } = this.session.frames;
    const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((s) => s * this.perFrame >= 50) ?? 10000;
    c.font = "10px system-ui, sans-serif";
    for (let frame = Math.ceil(this.first / step) * step; frame < count && x(frame) < w; frame += step) {
      c.fillStyle = grid;
      c.fillRect(Math.round(x(frame)), HEAD - 6, 1, h);
      c.fillStyle = muted;
      c.fillText(String(frame + 1), x(frame) + 3, 12);
    }
  }

  private paintRange(c: CanvasRenderingContext2D, h: number, x: (f: number) => number, accent: string): void {
    const { range } = this.session.frames;
    if (!range) return;
    const [a, b] = [Math.max(LABELS, x(range[0])), Math.max(LABELS, x(range[1] + 1))];
    c.fillStyle = accent;
    c.globalAlpha = 0.14;
    c.fillRect(a, 0, b - a, h);
    c.globalAlpha = 1;
    c.fillRect(a, HEAD - 3, b - a, 2);
  }

  private paintTrack(c: CanvasRenderingContext2D, object: LabelObject, y: number, x: (f: number) => number, w: number, text: string, accent: string): void {
    const { session } = this;
    const color = session.editor?.look.color(object.id) ?? "#888888";
    if (session.selection.has(object.id)) {
      c.fillStyle = `${accent}`;
      c.globalAlpha = 0.18;
      c.fillRect(0, y, w, ROW);
      c.globalAlpha = 1;
    }
    for (const [first, last] of visibleSpans(object, session.frames.count)) {
      const [a, b] = [Math.max(LABELS, x(first)), Math.min(w, x(last + 1))];
      if (b <= a) continue;
      c.fillStyle = `${color}55`;
      c.fillRect(a, y + 4, b - a, ROW - 8);
    }
    c.fillStyle = color;
    for (const key of object.keyframes ?? []) {
      const at = x(key.frame) + this.perFrame / 2;
      if (at < LABELS || at > w) continue;
      c.beginPath();
      if (key.outside) c.rect(at - 2.5, y + ROW / 2 - 2.5, 5, 5);
      else c.ellipse(at, y + ROW / 2, 3.5, 3.5, 0, 0, 7);
      if (key.outside) {
        c.strokeStyle = color;
        c.lineWidth = 1.5;
        c.stroke();
      } else c.fill();
    }
    c.fillStyle = text;
    c.font = "11px system-ui, sans-serif";
    c.fillText(`${session.ontology.label(object.class)} ${object.id}`.slice(0, 20), 8, y + 13);
  }

  private frameAt(e: PointerEvent): number {
    const box = this.canvas.getBoundingClientRect();
    return Math.floor(this.first + (e.clientX - box.left - LABELS) / this.perFrame);
  }

  private press(e: PointerEvent): void {
    const box = this.canvas.getBoundingClientRect();
    const y = e.clientY - box.top;
    const track = y > HEAD ? this.tracks[Math.floor((y - HEAD + this.top) / ROW)] : undefined;
    if (track) this.session.selection.set([track.id]);
    if (e.clientX - box.left < LABELS) return;
    this.scrubbing = true;
    this.rangeFrom = e.shiftKey ? this.frameAt(e) : null;
    this.canvas.setPointerCapture(e.pointerId);
    this.scrub(e);
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
    else this.top += e.deltaY;
    const shown = (box.width - LABELS) / this.perFrame;
    this.first = Math.max(0, Math.min(this.first, count - shown + 1));
    this.top = Math.max(0, Math.min(this.top, this.tracks.length * ROW - (box.height - HEAD)));
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
