// The document being edited: the one truth. Every change is a `Diff` with an origin; the canvas, the panels, undo, the
// journal and saving all live from these.

import { type Attributes, type Document, type LabelObject, same } from "../model/document.ts";

/** Who made a change: the person, their undo or redo, the server (also by giving other ids), or the journal of an
 * earlier visit. */
export type Origin = "user" | "undo" | "server" | "rename" | "journal";

export interface Both<T> {
  before: T;
  after: T;
}

export interface Diff {
  objects: Map<number, Both<LabelObject | undefined>>;
  attributes?: Both<Attributes>;
  frames?: Both<Record<string, Attributes>>;
}

/** What a change may do; collected into one diff. */
export class Draft {
  readonly diff: Diff = { objects: new Map() };

  constructor(private readonly store: Store) {}

  get(id: number): LabelObject | undefined {
    const changed = this.diff.objects.get(id);
    return changed ? changed.after : this.store.get(id);
  }

  put(object: LabelObject): void {
    this.diff.objects.set(object.id, { before: this.store.get(object.id), after: object });
  }

  delete(id: number): void {
    this.diff.objects.set(id, { before: this.store.get(id), after: undefined });
  }

  setAttributes(after: Attributes): void {
    this.diff.attributes = { before: this.store.attributes, after };
  }

  setFrames(after: Record<string, Attributes>): void {
    this.diff.frames = { before: this.store.frames, after };
  }
}

export type Listener = (diff: Diff, origin: Origin, merge?: string) => void;

export class Store {
  private readonly byId = new Map<number, LabelObject>();
  private readonly listeners = new Set<Listener>();
  private readonly renames = new Set<(ids: Map<number, number>) => void>();
  private last = 0;
  attributes: Attributes = {};
  frames: Record<string, Attributes> = {};

  constructor(document: Pick<Document, "objects" | "attributes" | "frames">) {
    for (const object of document.objects) this.byId.set(object.id, object);
    for (const id of this.byId.keys()) this.last = Math.max(this.last, id);
    this.attributes = document.attributes ?? {};
    this.frames = document.frames ?? {};
  }

  get(id: number): LabelObject | undefined {
    return this.byId.get(id);
  }

  get size(): number {
    return this.byId.size;
  }

  get objects(): Iterable<LabelObject> {
    return this.byId.values();
  }

  /** An id no object has had in this visit. */
  nextId(): number {
    return ++this.last;
  }

  /** Never gives this id to a new object. */
  reserve(id: number): void {
    this.last = Math.max(this.last, id);
  }

  /** Makes one change. `merge`: changes with the same key in a row are one step of undo. */
  change(origin: Origin, make: (draft: Draft) => void, merge?: string): Diff {
    const draft = new Draft(this);
    make(draft);
    this.apply(draft.diff, origin, merge);
    return draft.diff;
  }

  /** Applies a diff and tells everybody; a diff that changes nothing is silent. */
  apply(diff: Diff, origin: Origin, merge?: string): void {
    for (const [id, { before, after }] of diff.objects) if (same(before, after)) diff.objects.delete(id);
    if (diff.attributes && same(diff.attributes.before, diff.attributes.after)) delete diff.attributes;
    if (diff.frames && same(diff.frames.before, diff.frames.after)) delete diff.frames;
    if (!diff.objects.size && !diff.attributes && !diff.frames) return;
    for (const [id, { after }] of diff.objects) {
      if (after) this.byId.set(id, after);
      else this.byId.delete(id);
      this.last = Math.max(this.last, id);
    }
    if (diff.attributes) this.attributes = diff.attributes.after;
    if (diff.frames) this.frames = diff.frames.after;
    for (const listener of this.listeners) listener(diff, origin, merge);
  }

  /** Gives objects other ids: somebody else's new objects took theirs first. */
  rename(ids: Map<number, number>): void {
    const diff: Diff = { objects: new Map() };
    for (const [from, to] of ids) {
      const object = this.byId.get(from);
      if (!object) continue;
      diff.objects.set(from, { before: object, after: diff.objects.get(from)?.after });
      diff.objects.set(to, { before: this.byId.get(to), after: { ...object, id: to } });
    }
    for (const listener of this.renames) listener(ids);
    this.apply(diff, "rename");
  }

  onRename(listener: (ids: Map<number, number>) => void): void {
    this.renames.add(listener);
  }

  /** Calls back after every change; returns the way to stop. */
  onChange(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** The diff that takes `diff` back. */
export function inverse(diff: Diff): Diff {
  const turn = <T>(b: Both<T> | undefined): Both<T> | undefined => b && { before: b.after, after: b.before };
  return {
    objects: new Map([...diff.objects].reverse().map(([id, both]) => [id, turn(both)!])),
    attributes: turn(diff.attributes),
    frames: turn(diff.frames),
  };
}

/** `second` done right after `first`, as one diff. */
export function joined(first: Diff, second: Diff): Diff {
  const objects = new Map(first.objects);
  for (const [id, both] of second.objects) {
    const earlier = objects.get(id);
    objects.set(id, earlier ? { before: earlier.before, after: both.after } : both);
  }
  const join = <T>(a?: Both<T>, b?: Both<T>): Both<T> | undefined => (a && b ? { before: a.before, after: b.after } : (b ?? a));
  return { objects, attributes: join(first.attributes, second.attributes), frames: join(first.frames, second.frames) };
}
