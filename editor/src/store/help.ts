// What the server can find in the pictures, and what a model of the user's answers. Questions only: nothing is changed
// until the editor puts an answer into its document.

import type { Shape, ShapeType } from "../geometry/kinds.ts";
import type { Bounds, Flat, Point } from "../geometry/plane.ts";
import type { Attributes, Keyframe } from "../model/document.ts";

export type HelpTool = "outline" | "cutout" | "superpixels" | "track";

/** A user's own model, and what it may be asked: about a box, a point, or the whole picture. */
export interface Model {
  uid: string;
  name: string;
  asks: ("box" | "point" | "whole")[];
}

/** A part of the picture in areas of one colour; `labels`: each cell's area, row by row. */
export interface Areas {
  part: Bounds;
  width: number;
  height: number;
  labels: Uint16Array;
}

/** Where an object went: few keyframes; `lost`: the frame in which it was not found any more. */
export interface Followed {
  id: number;
  keyframes: Keyframe[];
  lost: number | null;
}

/** A thing that a model found; not yet an object. */
export interface Found {
  class: string;
  shape: Shape;
  attributes?: Attributes;
  score?: number | null;
}

export interface Answer {
  objects: Found[];
  /** Why others of its objects cannot be taken. */
  refused: { message: string }[];
}

export interface Question {
  ask: "box" | "point" | "whole";
  frame: number;
  box?: number[];
  point?: number[];
  /** The class in hand, for models that can use it. */
  class?: string;
}

/** What is asked of the server. Each question may be given up by its signal. */
export interface Help {
  readonly tools: readonly string[];
  readonly models: readonly Model[];
  outline(frame: number, start: Point, end: Point, snap: boolean, signal: AbortSignal): Promise<Flat>;
  cutout(frame: number, box: Bounds, keep: Flat, drop: Flat, kind: ShapeType, signal: AbortSignal): Promise<Shape>;
  superpixels(frame: number, part: Bounds, size: number, signal: AbortSignal): Promise<Areas>;
  track(frame: number, count: number, objects: { id: number; shape: Shape }[], signal: AbortSignal): Promise<{ reached: number; tracks: Followed[] }>;
  model(uid: string, question: Question, signal: AbortSignal): Promise<Answer>;
}

/** The model to ask this: the one chosen where it can be asked, else the first that can. */
export function modelFor(models: readonly Model[], ask: Question["ask"], chosen: string): Model | undefined {
  const able = models.filter((m) => m.asks.includes(ask));
  return able.find((m) => m.uid === chosen) ?? able[0];
}

/** A sentence for the person: what the server said, or that it did not answer. */
class HelpError extends Error {}

const TIMEOUT = 60_000;
const TRIES = 4;

const box = (b: Bounds): number[] => [b.x1, b.y1, b.x2, b.y2].map((v) => Math.min(1, Math.max(0, v)));
const place = (p: Point): number[] => [p.x, p.y].map((v) => Math.min(1, Math.max(0, v)));
const places = (flat: Flat): number[][] => Array.from({ length: flat.length / 2 }, (_, i) => place({ x: flat[2 * i], y: flat[2 * i + 1] }));

export class ServerHelp implements Help {
  constructor(
    private readonly item: string,
    readonly tools: readonly string[],
    readonly models: readonly Model[],
    private readonly root = "/api/v1",
  ) {}

  async outline(frame: number, start: Point, end: Point, snap: boolean, signal: AbortSignal): Promise<Flat> {
    return (await this.ask<{ points: Flat }>("outline", { frame, start: place(start), end: place(end), snap }, signal)).points;
  }

  async cutout(frame: number, around: Bounds, keep: Flat, drop: Flat, shape: ShapeType, signal: AbortSignal): Promise<Shape> {
    return (await this.ask<{ shape: Shape }>("cutout", { frame, box: box(around), keep: places(keep), drop: places(drop), shape }, signal)).shape;
  }

  async superpixels(frame: number, part: Bounds, size: number, signal: AbortSignal): Promise<Areas> {
    const answer = await this.ask<{ part: number[]; width: number; height: number; labels: string }>("superpixels", { frame, part: box(part), size }, signal);
    const [x1, y1, x2, y2] = answer.part;
    return { part: { x1, y1, x2, y2 }, width: answer.width, height: answer.height, labels: await inflated(answer.labels) };
  }

  track(frame: number, count: number, objects: { id: number; shape: Shape }[], signal: AbortSignal): Promise<{ reached: number; tracks: Followed[] }> {
    return this.ask("track", { frame, count, objects }, signal);
  }

  model(uid: string, question: Question, signal: AbortSignal): Promise<Answer> {
    return this.ask("model", { model: uid, ...question }, signal);
  }

  /** One question; asked again after a moment when the server is busy with earlier ones. */
  private async ask<T>(what: string, body: unknown, signal: AbortSignal): Promise<T> {
    for (let left = TRIES; ; left--) {
      const answer = await this.send(what, body, signal);
      if (answer.status === 429 && left > 1) {
        await new Promise((resolve) => setTimeout(resolve, 400));
        signal.throwIfAborted();
        continue;
      }
      const value = (await answer.json().catch(() => null)) as (T & { detail?: string }) | null;
      if (answer.ok && value) return value;
      throw new HelpError(value?.detail ?? `The server answered ${answer.status}`);
    }
  }

  private async send(what: string, body: unknown, signal: AbortSignal): Promise<Response> {
    try {
      return await fetch(`${this.root}/items/${this.item}/help/${what}`, {
        method: "POST", credentials: "same-origin", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]),
      });
    } catch (error) {
      signal.throwIfAborted();
      throw new HelpError(error instanceof Error && error.name === "TimeoutError" ? "The server took too long to answer" : "No answer from the server");
    }
  }
}

/** Deflated little-endian numbers of 16 bits, from base64. */
async function inflated(text: string): Promise<Uint16Array> {
  const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint16Array(await new Response(stream).arrayBuffer());
}
