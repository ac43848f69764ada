// What is to be seen at the present frame: each object's shape there, found by id or by place.

import type { Mask, Shape } from "../geometry/kinds.ts";
import { type Bounds, type Metric, type Point, covers, grow } from "../geometry/plane.ts";
import { nearestEdge } from "../geometry/polygon.ts";
import type { LabelObject } from "../model/document.ts";
import { at } from "../model/track.ts";
import { boundsFor, kindOf } from "../shapes/index.ts";
import { Emitter } from "../store/emitter.ts";
import type { Selection } from "../store/selection.ts";
import type { Both, Store } from "../store/store.ts";
import { below, orderOf, share } from "./exclusive.ts";
import { Grid } from "./grid.ts";

/** Places that changed and must be drawn again; null: everything. */
export type Dirty = Bounds[] | null;

const REACH = 7;

export class Scene {
  readonly dirtied = new Emitter<Dirty>();
  /** What is shown of each object. */
  private readonly shapes = new Map<number, Shape>();
  /** Masks of which a part lies under others, whole. */
  private readonly covered = new Map<number, Mask>();
  private readonly grid = new Grid();
  private readonly order = new Map<number, number>();
  private now = 0;

  constructor(
    private readonly store: Store,
    private readonly selection: Selection,
    /** One class a pixel: of masks over each other the upper one is shown. */
    private readonly exclusive = false,
  ) {
    this.rebuild();
    store.onChange((diff) => {
      const places: Bounds[] = [];
      const beside = this.beside(diff.objects.keys());
      for (const [id, both] of diff.objects) places.push(...this.changed(id, both));
      for (const id of this.beside(diff.objects.keys(), beside)) places.push(...this.uncover(id));
      if (places.length > 200) this.dirtied.emit(null);
      else if (places.length) this.dirtied.emit(places);
    });
  }

  get frame(): number {
    return this.now;
  }

  setFrame(frame: number): void {
    this.now = frame;
    this.rebuild();
    this.dirtied.emit(null);
  }

  private rebuild(): void {
    this.shapes.clear();
    this.covered.clear();
    this.grid.clear();
    for (const object of this.store.objects) this.refresh(object.id);
    if (this.exclusive) for (const id of this.shapes.keys()) this.uncover(id);
  }

  /** Takes the object as it is now; where it looks different. */
  private changed(id: number, objects: Both<LabelObject | undefined>): Bounds[] {
    const before = this.shapes.get(id);
    this.refresh(id);
    return different(before, this.shapes.get(id), onlyShape(objects));
  }

  private refresh(id: number): void {
    const object = this.store.get(id);
    const after = object && at(object, this.now)?.shape;
    this.covered.delete(id);
    if (after) {
      this.shapes.set(id, after);
      this.order.set(id, orderOf(object));
      this.grid.set(id, boundsFor(after));
    } else {
      this.shapes.delete(id);
      this.grid.delete(id);
    }
  }

  /** The mask as it is by itself. */
  private whole(id: number): Mask | null {
    const shape = this.covered.get(id) ?? this.shapes.get(id);
    return shape?.type === "mask" ? shape : null;
  }

  /** These masks, and those that touch them and have a part under another mask or may have one now. */
  private beside(ids: Iterable<number>, more: Iterable<number> = []): Set<number> {
    const found = new Set<number>(more);
    if (!this.exclusive) return found;
    for (const id of ids) {
      const mask = this.whole(id);
      if (!mask) continue;
      found.add(id);
      for (const other of this.grid.query(boundsFor(mask))) {
        const theirs = found.has(other) ? null : this.whole(other);
        if (theirs && (this.covered.has(other) || share(mask, theirs))) found.add(other);
      }
    }
    return found;
  }

  /** Shows of a mask what lies under no other; where that is different now. */
  private uncover(id: number): Bounds[] {
    const mask = this.whole(id);
    const before = this.shapes.get(id);
    if (!mask) return [];
    const uppers = this.grid.query(boundsFor(mask)).filter((other) => this.compare(id, other) < 0);
    const left = below(mask, uppers.map((upper) => this.whole(upper)).filter((upper) => upper !== null));
    if (left === mask) this.covered.delete(id);
    else this.covered.set(id, mask);
    if (left) this.shapes.set(id, left);
    else this.shapes.delete(id);
    return left === before ? [] : different(before, left ?? undefined, true);
  }

  private compare(a: number, b: number): number {
    return this.order.get(a)! - this.order.get(b)! || a - b;
  }

  shapeOf(id: number): Shape | null {
    return this.shapes.get(id) ?? null;
  }

  get ids(): Iterable<number> {
    return this.shapes.keys();
  }

  /** Visible objects that touch the box, from the bottom to the top. */
  query(bounds: Bounds): number[] {
    return this.sorted(this.grid.query(bounds).filter((id) => this.shapes.has(id) && !this.selection.hidden(id)));
  }

  /** The same for several boxes: each object once. */
  queryAll(places: Bounds[]): number[] {
    return places.length === 1 ? this.query(places[0]) : this.sorted([...new Set(places.flatMap((place) => this.query(place)))]);
  }

  private sorted(ids: number[]): number[] {
    return ids.sort((a, b) => this.compare(a, b));
  }

  /** Objects that lie wholly in the box. */
  within(bounds: Bounds): number[] {
    return this.query(bounds).filter((id) => covers(bounds, boundsFor(this.shapes.get(id)!)));
  }

  /** The object meant by a click: the nearest outline within reach, else the smallest area around the place. */
  pick(p: Point, m: Metric, after: number | null = null): number | null {
    const box = grow({ x1: p.x, y1: p.y, x2: p.x, y2: p.y }, REACH / m.x, REACH / m.y);
    const ranked: { id: number; rank: number; area: number }[] = [];
    for (const id of this.query(box)) {
      const shape = this.shapes.get(id)!;
      const { inside, edge } = kindOf(shape).near(shape, p, m);
      if (!inside && edge > REACH) continue;
      const b = boundsFor(shape);
      ranked.push({ id, rank: edge <= REACH ? Math.round(edge) : 100, area: (b.x2 - b.x1) * (b.y2 - b.y1) });
    }
    ranked.sort((a, b) => a.rank - b.rank || a.area - b.area || b.id - a.id);
    if (after === null) return ranked[0]?.id ?? null;
    const index = ranked.findIndex(({ id }) => id === after);
    return ranked.length ? ranked[(index + 1) % ranked.length].id : null;
  }

  /** The nearest vertex, else the nearest point on an edge, of other objects; `p` itself when nothing is near. */
  snap(p: Point, m: Metric, except: ReadonlySet<number>): Point {
    const box = grow({ x1: p.x, y1: p.y, x2: p.x, y2: p.y }, REACH / m.x, REACH / m.y);
    let best: { point: Point; rank: number } = { point: p, rank: REACH };
    for (const id of this.query(box)) {
      if (except.has(id)) continue;
      for (const { points, closed } of chains(this.shapes.get(id)!)) best = nearer(best, p, points, closed, m);
    }
    return best.point;
  }
}

function nearer(best: { point: Point; rank: number }, p: Point, points: number[], closed: boolean, m: Metric): { point: Point; rank: number } {
  for (let i = 0; i < points.length; i += 2) {
    // A vertex wins over an edge a little nearer.
    const rank = Math.hypot((points[i] - p.x) * m.x, (points[i + 1] - p.y) * m.y) - 3;
    if (rank < best.rank - 3) best = { point: { x: points[i], y: points[i + 1] }, rank };
  }
  const edge = nearestEdge(p, points, closed, m);
  return edge && edge.distance < best.rank ? { point: edge.point, rank: edge.distance } : best;
}

function chains(shape: Shape): { points: number[]; closed: boolean }[] {
  if (shape.type === "polygon") return shape.parts.flat().map((points) => ({ points, closed: true }));
  const closed = shape.type === "rectangle" || shape.type === "oriented_rectangle";
  const points = kindOf(shape).points(shape);
  return points.length ? [{ points, closed }] : [];
}

/** Where two looks of an object differ. `alike`: in colour and order they are the same. */
function different(before: Shape | undefined, after: Shape | undefined, alike: boolean): Bounds[] {
  const kind = after && kindOf(after);
  if (kind?.change && before?.type === after?.type && alike) return [kind.change(before!, after!)].filter((place) => place !== null);
  return [before, after].filter((shape) => shape !== undefined).map(boundsFor);
}

/** Is nothing but the shape different, nothing that decides on colour or order? */
function onlyShape({ before, after }: Both<LabelObject | undefined>): boolean {
  return !!before && !!after && before.class === after.class && before.source === after.source && before.extra === after.extra;
}
