// The frames of the item: which one is shown, stepping, playing, and fetching those that come next.

import { Film } from "../editor/film.ts";
import type { Picture, Pictures } from "../editor/picture.ts";
import type { Metric } from "../geometry/plane.ts";
import { keyIndex } from "../model/track.ts";
import type { FrameMedia, Work } from "../model/work.ts";
import type { Session } from "./session.ts";

const AHEAD = 4;
/** Smaller copies fetched ahead in the direction of travel. */
const SMALL_AHEAD = 20;
/** Milliseconds without a step after which the frame is shown in full. */
const REST = 120;
/** Frames of video files with fewer pixels have no smaller copy. */
const LARGE = 2e6;
/** Frames of a sequence played in a second. */
const RATE = 10;

/** Where the picture of a frame is. A video file's frames are cut by the server, exact by their number. */
function urlOf(item: Work["item"], frame: number): string | null {
  if (item.frames.length) return item.frames[frame]?.url ?? null;
  if (item.media?.mime.startsWith("video/")) return `/api/v1/items/${item.uid}/frames/${frame}`;
  return item.media?.url ?? null;
}

/** Fetches and decodes what is seen first of an item. */
export function fetchFirst(pictures: Pictures, item: Work["item"]): Promise<Picture> | null {
  const url = urlOf(item, 0);
  const tiles = item.frames.length ? null : item.media?.tiles;
  return url ? (tiles ? pictures.loadTiles(url, tiles) : pictures.load(url)) : null;
}

/** A smaller copy of a large frame, to be seen while stepping quickly; null where there is none. */
function smallOf(item: Work["item"], frame: number): { url: string; size: Metric } | null {
  const { width, height, small } = item.frames[frame] ?? {};
  if (small && width && height) return { url: small, size: { x: width, y: height } };
  if (item.frames.length || !item.media?.mime.startsWith("video/") || !item.width || !item.height || item.width * item.height < LARGE) return null;
  return { url: `${urlOf(item, frame)}?small=true`, size: { x: item.width, y: item.height } };
}

export class Frames {
  playing = false;
  error: string | null = null;
  loading = false;
  speed = 1;
  /** First and last frame of a chosen range: what is carried over, and where playing ends. */
  range: [number, number] | null = null;
  /** The video file as this browser plays it; null for sequences and where it cannot. */
  film: Film | null = null;
  private opened = false;
  private stopped = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private resting: ReturnType<typeof setTimeout> | undefined;
  /** How far and in which direction the last step went. */
  private stride = 1;

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
    if (!Number.isFinite(to)) return;
    if (to !== this.now) this.stride = to - this.now;
    this.session.bench.setFrame(to);
    this.show();
    this.session.talk.showPins();
    this.session.changed.emit();
  }

  /** Chooses a range of frames, in either order; null: none. */
  choose(from: number | null, to: number = from ?? 0): void {
    const inside = (frame: number): number => Math.min(this.count - 1, Math.max(0, frame));
    this.range = from === null ? null : [inside(Math.min(from, to)), inside(Math.max(from, to))];
    this.session.changed.emit();
  }

  /** The range begins (or ends) at the present frame. */
  mark(end: "first" | "last"): void {
    const [first, last] = this.range ?? [this.now, this.now];
    if (end === "first") this.choose(this.now, Math.max(this.now, last));
    else this.choose(Math.min(this.now, first), this.now);
    const [from, to] = this.range!;
    this.session.say(`Frames ${from + 1} to ${to + 1} chosen`);
  }

  /** Where playing ends. */
  private get end(): number {
    return this.range && this.now < this.range[1] ? this.range[1] : this.count - 1;
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

  /** Shows the present frame's picture and fetches its neighbours; of a large one a smaller copy until the hand rests. */
  show(): void {
    const { editor } = this.session;
    const url = this.urlOf(this.now);
    if (!editor || !url) return;
    this.openFilm();
    clearTimeout(this.resting);
    this.loading = !editor.pictures.has(url);
    if (this.film && this.loading) return void this.showFromFilm(this.film, this.now, url);
    const small = this.loading ? smallOf(this.session.work.item, this.now) : null;
    const tiles = this.count === 1 ? this.session.work.item.media?.tiles : null;
    if (tiles) return void editor.showTiles(url, tiles);
    if (!small) return void editor.show(url).then(() => this.preload());
    void editor.showSmall(url, small.url, small.size);
    this.wantSmall();
    if (!this.playing) this.resting = setTimeout(() => this.rest(url), REST);
  }

  /** The hand rests: the frame in full. */
  private rest(url: string): void {
    if (this.stopped) return;
    this.session.editor?.pictures.want([]);
    void this.session.editor?.show(url).then(() => this.preload());
  }

  private wantSmall(): void {
    const { item } = this.session.work;
    const ahead = Array.from({ length: SMALL_AHEAD }, (_, i) => this.now + (i + 1) * this.stride);
    const urls = ahead.filter((frame) => frame >= 0 && frame < this.count).map((frame) => smallOf(item, frame)?.url);
    this.session.editor?.pictures.want(urls.filter((url) => url !== undefined));
  }

  /** Quick where the browser presents exactly this frame; else the server cuts it. */
  private async showFromFilm(film: Film, frame: number, url: string): Promise<void> {
    const picture = await film.frame(frame);
    const { editor } = this.session;
    if (this.now !== frame || this.playing || !editor) return;
    if (picture) editor.showDecoded(picture);
    else await editor.show(url);
  }

  /** Opens a video file for playing and scrubbing, once; frames come from the server until then. */
  private openFilm(): void {
    const { item } = this.session.work;
    if (this.opened || !item.frame_times || !item.media || !item.width || !item.height) return;
    this.opened = true;
    const { url } = item.media;
    const size: [number, number] = [item.width, item.height];
    void this.session.api
      .frameTimes(item.uid)
      .then(({ times }) => Film.open(url, times, size))
      .then((film) => {
        if (this.stopped) film?.close();
        else this.film = film;
        this.session.changed.emit();
      })
      .catch(() => undefined);
  }

  shown(error: string | null, small = false): void {
    const url = this.urlOf(this.now);
    // The smaller copy is only a convenience: without it the frame itself is waited for.
    if (error && small && url) return this.rest(url);
    this.loading = small;
    this.error = error;
    this.session.changed.emit();
    if (!error && !small) void this.session.lookAhead();
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
    if (this.range && (this.now < this.range[0] || this.now >= this.range[1])) this.go(this.range[0]);
    else if (this.now >= this.count - 1) this.go(0);
    this.playing = true;
    if (this.film) void this.playFilm(this.film);
    else this.tick();
    this.session.changed.emit();
  }

  /** Each frame that the browser presents is shown with its own labels; where it stops, the exact frame is shown. */
  private async playFilm(film: Film): Promise<void> {
    const { session } = this;
    const { end } = this;
    await film.play(this.now, this.speed, (frame, picture) => {
      if (!this.playing || frame > end) return film.stop();
      session.bench.setFrame(frame);
      session.editor?.showDecoded(picture);
      session.talk.showPins();
      session.changed.emit();
    });
    this.playing = false;
    if (!this.stopped) this.show();
    session.changed.emit();
  }

  /** How fast it plays: 1 is the file's own speed, or ten frames of a sequence a second. */
  setSpeed(speed: number): void {
    const playing = this.playing;
    this.pause();
    this.speed = speed;
    if (playing && !this.film) this.toggle();
    this.session.changed.emit();
  }

  pause(): void {
    if (!this.playing) return;
    this.playing = false;
    clearTimeout(this.timer);
    this.film?.stop();
    if (!this.film && !this.stopped) this.show();
    this.session.changed.emit();
  }

  private tick(): void {
    if (!this.playing) return;
    if (this.now === this.range?.[1] || this.now >= this.count - 1) return this.pause();
    // A frame that is not there yet is waited for: labels never run ahead of the picture.
    if (this.nextIsThere()) this.go(this.now + 1);
    this.timer = setTimeout(() => this.tick(), 1000 / (RATE * this.speed));
  }

  /** Is the next frame's picture, or a smaller copy of it, there? Fetches it where it is not. */
  private nextIsThere(): boolean {
    const { pictures } = this.session.editor ?? {};
    const url = this.urlOf(this.now + 1);
    if (!pictures || !url) return false;
    const small = smallOf(this.session.work.item, this.now + 1);
    if (pictures.has(url) || (small && pictures.hasSmall(small.url))) return true;
    const coming = small ? pictures.loadSmall(small.url, small.size).catch(() => pictures.load(url)) : pictures.load(url);
    coming.catch(() => this.pause());
    return false;
  }

  stop(): void {
    this.pause();
    clearTimeout(this.resting);
    this.stopped = true;
    this.film?.close();
  }
}
