// How the timeline looks: a row a track, with a bar where it is in the picture and a dot at each keyframe; rows of values of
// frames; comments at the ruler.

import { type AttributeValue, type Attributes, type LabelObject, isEmpty, same } from "../model/document.ts";
import { PALETTE } from "../model/ontology.ts";
import { visibleSpans } from "../model/track.ts";
import type { Attribute, Comment } from "../model/work.ts";

export const ROW = 18;
export const HEAD = 22;
export const LABELS = 120;
/** Keyframes nearer to each other than this, in pixels, are one dot. */
const APART = 2;

export interface Colors {
  text: string;
  muted: string;
  grid: string;
  accent: string;
}

/** Frames `first` to `last` (both included) with the same value. */
export interface Run {
  first: number;
  last: number;
  text: string;
  color: string;
}

/** The stretches of frames on which the attribute has the same value. */
export function runsOf(attribute: Attribute, frames: Record<string, Attributes>): Run[] {
  const runs: Run[] = [];
  let before: AttributeValue = null;
  for (const frame of Object.keys(frames).map(Number).sort((a, b) => a - b)) {
    const value = frames[String(frame)][attribute.name];
    if (value === undefined || isEmpty(value)) continue;
    const last = runs.at(-1);
    if (last && last.last === frame - 1 && same(before, value)) last.last = frame;
    else runs.push({ first: frame, last: frame, text: worded(value), color: PALETTE[Math.max(0, attribute.options?.indexOf(String(value)) ?? 0) % PALETTE.length] });
    before = value;
  }
  return runs;
}

const worded = (value: AttributeValue): string => (value === true ? "yes" : value === false ? "no" : Array.isArray(value) ? value.join(", ") : String(value));

/** One painting of the timeline. */
export class Sheet {
  constructor(
    private readonly c: CanvasRenderingContext2D,
    private readonly w: number,
    private readonly h: number,
    private readonly first: number,
    private readonly perFrame: number,
    private readonly count: number,
    private readonly colors: Colors,
  ) {}

  private x(frame: number): number {
    return LABELS + (frame - this.first) * this.perFrame;
  }

  ruler(): void {
    const { c, h, w, count } = this;
    const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((s) => s * this.perFrame >= 50) ?? 10000;
    c.font = "10px system-ui, sans-serif";
    for (let frame = Math.ceil(this.first / step) * step; frame < count && this.x(frame) < w; frame += step) {
      c.fillStyle = this.colors.grid;
      c.fillRect(Math.round(this.x(frame)), HEAD - 6, 1, h);
      c.fillStyle = this.colors.muted;
      c.fillText(String(frame + 1), this.x(frame) + 3, 12);
    }
  }

  range([from, to]: [number, number]): void {
    const { c, h } = this;
    const [a, b] = [Math.max(LABELS, this.x(from)), Math.max(LABELS, this.x(to + 1))];
    c.fillStyle = this.colors.accent;
    c.globalAlpha = 0.14;
    c.fillRect(a, 0, b - a, h);
    c.globalAlpha = 1;
    c.fillRect(a, HEAD - 3, b - a, 2);
  }

  /** A small flag at each frame that somebody commented on; settled ones are grey. */
  comments(all: readonly Comment[]): void {
    const { c } = this;
    for (const { frame, parent, resolved } of all) {
      if (frame == null || parent) continue;
      const at = this.x(frame) + this.perFrame / 2;
      if (at < LABELS || at > this.w) continue;
      c.fillStyle = resolved ? this.colors.muted : "#f5b83d";
      c.beginPath();
      c.moveTo(at, HEAD - 1);
      c.lineTo(at - 4, HEAD - 8);
      c.lineTo(at + 4, HEAD - 8);
      c.fill();
    }
  }

  now(frame: number): void {
    const { c } = this;
    c.fillStyle = this.colors.accent;
    c.fillRect(Math.round(this.x(frame)), 0, Math.max(2, this.perFrame), HEAD - 4);
    c.fillRect(Math.round(this.x(frame) + this.perFrame / 2) - 0.5, HEAD - 4, 1, this.h);
  }

  lane(name: string, runs: readonly Run[], y: number): void {
    const { c } = this;
    c.font = "10px system-ui, sans-serif";
    for (const run of runs) {
      const [a, b] = [Math.max(LABELS, this.x(run.first)), Math.min(this.w, this.x(run.last + 1))];
      if (b <= a) continue;
      c.fillStyle = `${run.color}66`;
      c.fillRect(a, y + 2, Math.max(1, b - a - 1), ROW - 4);
      if (b - a < 16) continue;
      c.save();
      c.beginPath();
      c.rect(a, y, b - a, ROW);
      c.clip();
      c.fillStyle = this.colors.text;
      c.fillText(run.text, a + 4, y + 12.5);
      c.restore();
    }
    this.label(name, y, this.colors.muted);
  }

  track(object: LabelObject, name: string, color: string, selected: boolean, y: number): void {
    const { c } = this;
    if (selected) {
      c.fillStyle = this.colors.accent;
      c.globalAlpha = 0.18;
      c.fillRect(0, y, this.w, ROW);
      c.globalAlpha = 1;
    }
    c.fillStyle = `${color}55`;
    for (const [first, last] of visibleSpans(object, this.count)) {
      const [a, b] = [Math.max(LABELS, this.x(first)), Math.min(this.w, this.x(last + 1))];
      if (b > a) c.fillRect(a, y + 4, b - a, ROW - 8);
    }
    this.keyframes(object, color, y + ROW / 2);
    this.label(name, y, this.colors.text);
  }

  /** Dots; a square where it leaves the picture; with a line above where a value changes. */
  private keyframes(object: LabelObject, color: string, y: number): void {
    const { c } = this;
    let before = -Infinity;
    c.lineWidth = 1.5;
    for (const key of object.keyframes ?? []) {
      const at = this.x(key.frame) + this.perFrame / 2;
      if (at < LABELS || at - before < APART) continue;
      if (at > this.w) return;
      before = at;
      c.fillStyle = c.strokeStyle = color;
      c.beginPath();
      if (key.outside) c.rect(at - 2.5, y - 2.5, 5, 5);
      else c.ellipse(at, y, 3.5, 3.5, 0, 0, 7);
      if (key.outside) c.stroke();
      else c.fill();
      if (!Object.keys(key.attributes ?? {}).length) continue;
      c.fillStyle = this.colors.text;
      c.fillRect(at - 0.75, y - 8, 1.5, 4);
    }
  }

  private label(text: string, y: number, color: string): void {
    const { c } = this;
    c.fillStyle = color;
    c.font = "11px system-ui, sans-serif";
    c.fillText(text.length > 20 ? `${text.slice(0, 19)}…` : text, 8, y + 13);
  }
}
