// What the server has, what differs from it here, and bringing the two together when others have worked too.

import { type Document, type LabelObject, same } from "../model/document.ts";
import type { Clash, Save, Saved } from "../model/work.ts";
import type { Entry, Head, Kept } from "./journal.ts";
import { Known, mergedKeys } from "./known.ts";
import type { Store } from "./store.ts";

export class Replica {
  /** Objects that differ from what the server has, or may do so once the save under way is answered. */
  readonly dirty = new Set<number>();
  clashes: Clash[] = [];
  private known: Known;

  constructor(
    private readonly store: Store,
    version: number,
  ) {
    this.known = new Known(store, version);
  }

  get version(): number {
    return this.known.version;
  }

  /** How many changes the server does not have yet. */
  get pending(): number {
    const { store, known, dirty } = this;
    return dirty.size + (same(store.attributes, known.attributes) ? 0 : 1) + (same(store.frames, known.frames) ? 0 : 1);
  }

  /** Looks again which of these objects differ; those of the save under way count as differing until it is answered. */
  mark(ids: Iterable<number>, underway: Save | null): void {
    const sent = new Set([...(underway?.put ?? []).map((object) => object.id), ...(underway?.delete ?? [])]);
    for (const id of ids) {
      if (!sent.has(id) && same(this.store.get(id), this.known.objects.get(id))) this.dirty.delete(id);
      else this.dirty.add(id);
    }
  }

  /** A save with everything that differs, less the objects set aside; null when there is nothing. */
  compose(aside: ReadonlyMap<number, unknown>, saveId: string, lease: string | null): Save | null {
    const { store, known } = this;
    const save: Save = { base: known.version, save_id: saveId, lease, put: [], delete: [] };
    for (const id of this.dirty) {
      const object = store.get(id);
      if (aside.has(id)) continue;
      if (object) save.put.push(object);
      else if (known.objects.has(id)) save.delete.push(id);
    }
    if (!same(store.attributes, known.attributes)) save.attributes = store.attributes;
    if (!same(store.frames, known.frames)) save.frames = store.frames;
    return save.put.length || save.delete.length || save.attributes || save.frames ? save : null;
  }

  /** What the journal is to hold: for these objects, and of the item. */
  entries(ids: Iterable<number>): { entries: Entry[]; gone: number[] } {
    const entries: Entry[] = [];
    const gone: number[] = [];
    for (const id of ids) {
      if (this.dirty.has(id)) entries.push({ id, base: this.known.objects.get(id) ?? null, put: this.store.get(id) ?? null });
      else gone.push(id);
    }
    return { entries, gone };
  }

  head(inflight: Save | null): Head {
    const { store, known } = this;
    const attributes = same(store.attributes, known.attributes) ? undefined : { base: known.attributes, put: store.attributes };
    const frames = same(store.frames, known.frames) ? undefined : { base: known.frames, put: store.frames };
    return { version: known.version, inflight, attributes, frames };
  }

  /** The server has taken the save; gives the ids that the journal has to look at again. */
  accepted(save: Save, saved: Saved): number[] {
    const { known, store } = this;
    const sent = new Map(Object.entries(saved.renamed ?? {}).map(([from, to]) => [Number(from), to]));
    const renamed = this.withRoom(sent);
    known.version = saved.version;
    for (const object of save.put) {
      const id = sent.get(object.id) ?? object.id;
      known.objects.set(id, { ...object, id });
    }
    for (const id of save.delete) known.objects.delete(id);
    if (renamed.size) store.rename(renamed);
    const touched = [...save.put.map((object) => object.id), ...save.delete, ...renamed.keys(), ...renamed.values()];
    this.mark(touched, null);
    const theirs = new Map<number, LabelObject | undefined>(saved.merged.map((object) => [object.id, object]));
    for (const id of saved.deleted) theirs.set(id, undefined);
    const attributes = save.attributes ?? known.attributes;
    const frames = save.frames ?? known.frames;
    const values = {
      attributes: mergedKeys(attributes, store.attributes, saved.attributes ?? attributes),
      frames: mergedKeys(frames, store.frames, saved.frames ?? frames),
    };
    known.attributes = saved.attributes ?? attributes;
    known.frames = saved.frames ?? frames;
    return [...touched, ...this.takeOver(theirs, values)];
  }

  /** An id that the server has given may be in use here for something drawn since: that one moves on. */
  private withRoom(sent: ReadonlyMap<number, number>): Map<number, number> {
    const renamed = new Map(sent);
    for (const to of sent.values()) this.store.reserve(to);
    for (const to of sent.values()) if (!sent.has(to) && this.store.get(to)) renamed.set(to, this.store.nextId());
    return renamed;
  }

  /** Takes over a later document of the server. */
  absorb(document: Document): number[] {
    const { known, store } = this;
    const later = new Known(document, document.version);
    const theirs = new Map<number, LabelObject | undefined>();
    for (const id of new Set([...known.objects.keys(), ...later.objects.keys()])) theirs.set(id, later.objects.get(id));
    const values = {
      attributes: mergedKeys(known.attributes, store.attributes, later.attributes),
      frames: mergedKeys(known.frames, store.frames, later.frames),
    };
    known.version = later.version;
    known.attributes = later.attributes;
    known.frames = later.frames;
    return this.takeOver(theirs, values);
  }

  /** Others' objects come in. What was changed here too becomes a clash; a new object whose id was taken gets another. */
  private takeOver(theirs: ReadonlyMap<number, LabelObject | undefined>, values: Pick<Known, "attributes" | "frames">): number[] {
    const { known, store, dirty } = this;
    const taken = new Map<number, number>();
    for (const id of theirs.keys()) store.reserve(id);
    for (const [id, their] of theirs) {
      const [base, mine] = [known.objects.get(id), store.get(id)];
      if (!dirty.has(id) || same(mine, their) || same(base, their)) continue;
      if (!base && mine) taken.set(id, store.nextId());
      else if (base) this.clashes.push({ object_id: id, base, yours: mine ?? null, theirs: their ?? null });
    }
    if (taken.size) store.rename(taken);
    for (const [id, their] of theirs) {
      if (their) known.objects.set(id, their);
      else known.objects.delete(id);
    }
    const changed = [...theirs.keys(), ...taken.keys(), ...taken.values()];
    store.change("server", (draft) => {
      for (const [id, their] of theirs) {
        if (dirty.has(id) && !taken.has(id)) continue;
        if (their) draft.put(their);
        else if (store.get(id)) draft.delete(id);
      }
      draft.setAttributes(values.attributes);
      draft.setFrames(values.frames);
    });
    this.mark(changed, null);
    return changed;
  }

  /** Settles the clashes: `mine` are the objects to keep as they are here, the others become theirs. */
  resolve(mine: ReadonlySet<number>): number[] {
    const given = this.clashes.filter((clash) => !mine.has(clash.object_id));
    this.clashes = [];
    this.store.change("server", (draft) => {
      for (const { object_id: id, theirs } of given) {
        if (theirs) draft.put(theirs);
        else draft.delete(id);
      }
    });
    const ids = given.map((clash) => clash.object_id);
    this.mark(ids, null);
    return ids;
  }

  /** Brings back what an earlier visit could not save. Objects that somebody changed meanwhile become clashes. */
  recover(kept: Kept): number[] {
    const { known, store } = this;
    for (const entry of kept.entries) store.reserve(entry.id);
    const back: Entry[] = [];
    for (const entry of kept.entries) {
      const now = known.objects.get(entry.id) ?? null;
      if (same(now, entry.put) || (!entry.base && !entry.put)) continue;
      if (same(now, entry.base)) back.push(entry);
      else if (!entry.base) back.push({ ...entry, id: store.nextId() });
      else {
        this.clashes.push({ object_id: entry.id, base: entry.base, yours: entry.put, theirs: now });
        back.push(entry);
      }
    }
    store.change("journal", (draft) => {
      for (const { id, put } of back) {
        if (put) draft.put({ ...put, id });
        else draft.delete(id);
      }
      const { attributes, frames } = kept.head ?? {};
      if (attributes) draft.setAttributes(mergedKeys(attributes.base, attributes.put, known.attributes));
      if (frames) draft.setFrames(mergedKeys(frames.base, frames.put, known.frames));
    });
    return [...kept.entries, ...back].map((entry) => entry.id);
  }
}
