// The frames of the item: which one is shown, stepping, playing, and fetching those that come next.

import { keyIndex } from "../model/track.ts";
import type { FrameMedia, Work } from "../model/work.ts";
import type { Session } from "./session.ts";

const AHEAD = 4;

/** Where the picture of a frame is. A video file's frames are cut by the server, exact by their number. */
export function urlOf(item: Work["item"], frame: number): string | null {
  if (item.frames.length) return item.frames[frame]?.url ?? null;
  if (item.media?.mime.startsWith("video/")) return `/api/v1/items/${item.uid}/frames/${frame}`;
  return item.media?.url ?? null;
}

export class Frames {
  playing = false;
  error: string | null = null;
  loading = false;
  rate = 10;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly session: Session) {}

  get list(): FrameMedia[] {
    return this.session.work.item.frames;
  }

  get count(): number {
    const { item } = this.session.work;
    return item.kind === "video" ? Math.max(1, this.list.length || item.frame_count) : 1;
  }

  get now(): number {
    return this.session.bench.frame;
  }

  urlOf(frame: number): string | null {
    return urlOf(this.session.work.item, frame);
  }

  go(frame: number): void {
    const to = Math.min(this.count - 1, Math.max(0, Math.round(frame)));
    this.session.bench.setFrame(to);
    this.show();
    this.session.showPins();
    this.session.changed.emit();
  }

  step(by: number): void {
    this.pause();
    this.go(this.now + by);
  }

  /** The next (1) or previous (-1) keyframe of what is selected, else of any track. */
  toKey(direction: 1 | -1): void {
    const { selection, store } = this.session;
    const objects = selection.ids.size ? [...selection.ids].map((id) => store.get(id)!) : [...store.objects];
    let best: number | null = null;
    for (const { keyframes } of objects) {
      if (!keyframes) continue;
      const at = keyIndex(keyframes, direction > 0 ? this.now : this.now - 1) + (direction > 0 ? 1 : 0);
      const frame = keyframes[at]?.frame;
      if (frame !== undefined && (best === null || (frame - best) * direction < 0)) best = frame;
    }
    if (best === null) return this.session.say(`No keyframe ${direction > 0 ? "after" : "before"} this frame`);
    this.pause();
    this.go(best);
  }

  /** Shows the present frame's picture and fetches its neighbours. */
  show(): void {
    const { editor } = this.session;
    const url = this.urlOf(this.now);
    if (!editor || !url) return;
    this.loading = !editor.pictures.has(url);
    void editor.show(url).then(() => this.preload());
  }

  shown(error: string | null): void {
    this.loading = false;
    this.error = error;
    this.session.changed.emit();
    if (!error) void this.session.lookAhead();
  }

  private preload(): void {
    const { editor } = this.session;
    for (let i = 1; i <= AHEAD; i++) {
      const url = this.now + i < this.count ? this.urlOf(this.now + i) : null;
      if (url) void editor?.pictures.load(url).catch(() => undefined);
    }
  }

  toggle(): void {
    if (this.playing) return this.pause();
    if (this.now >= this.count - 1) this.go(0);
    this.playing = true;
    this.tick();
    this.session.changed.emit();
  }

  pause(): void {
    if (!this.playing) return;
    this.playing = false;
    clearTimeout(this.timer);
    this.session.changed.emit();
  }

  private tick(): void {
    if (!this.playing) return;
    if (this.now >= this.count - 1) return this.pause();
    const url = this.urlOf(this.now + 1);
    // A frame that is not there yet is waited for: labels never run ahead of the picture.
    if (url && this.session.editor?.pictures.has(url)) this.go(this.now + 1);
    else if (url) void this.session.editor?.pictures.load(url).catch(() => this.pause());
    this.timer = setTimeout(() => this.tick(), 1000 / this.rate);
  }

  stop(): void {
    this.pause();
  }
}
