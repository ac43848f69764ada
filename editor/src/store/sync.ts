// Saving: whatever differs from what the server has goes there within a second, one save at a time, and stands in the
// journal until the server has answered.

import { type Document, same } from "../model/document.ts";
import type { Clash, Problem, Save, Saved } from "../model/work.ts";
import { Known, mergedKeys } from "./known.ts";
import { ApiError, Offline } from "./api.ts";
import { Emitter } from "./emitter.ts";
import type { Entry, Journal, Kept } from "./journal.ts";
import type { Diff, Origin, Store } from "./store.ts";
import { uuid } from "./uuid.ts";

export type SyncKind = "saved" | "saving" | "offline" | "clash" | "signed_out" | "lease_lost" | "refused" | "forbidden";

export interface SyncState {
  kind: SyncKind;
  pending: number;
  detail: string;
}

export interface Transport {
  save(item: string, body: Save): Promise<Saved>;
  document(item: string): Promise<Document>;
}

const DELAY = 300;
const RETRY = [1000, 2000, 4000, 8000, 15000];

export class Sync {
  readonly changed = new Emitter();
  clashes: Clash[] = [];
  /** Objects that the server refused, with its reason; sent again once changed. */
  readonly refused = new Map<number, Problem>();
  private known: Known;
  private readonly dirty = new Set<number>();
  private inflight: Save | null = null;
  private blocked: SyncKind | null = null;
  private detail = "";
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private waiting: (() => void)[] = [];

  constructor(
    private readonly store: Store,
    version: number,
    private readonly item: string,
    private readonly transport: Transport,
    private readonly journal: Journal,
    public lease: string | null,
  ) {
    this.known = new Known(store, version);
    store.onChange((diff, origin) => this.noticed(diff, origin));
  }

  get version(): number {
    return this.known.version;
  }

  get state(): SyncState {
    const pending = this.pending;
    if (this.clashes.length) return { kind: "clash", pending, detail: this.detail };
    if (this.blocked) return { kind: this.blocked, pending, detail: this.detail };
    if (this.failures) return { kind: "offline", pending, detail: this.detail };
    if (this.refused.size && pending <= this.refused.size && !this.inflight) return { kind: "refused", pending, detail: this.detail };
    return { kind: pending || this.inflight ? "saving" : "saved", pending, detail: "" };
  }

  /** How many changes the server does not have yet. */
  get pending(): number {
    const item = same(this.store.attributes, this.known.attributes) ? 0 : 1;
    return this.dirty.size + item + (same(this.store.frames, this.known.frames) ? 0 : 1);
  }

  private noticed(diff: Diff, origin: Origin): void {
    if (origin === "server") return;
    for (const id of diff.objects.keys()) {
      this.refused.delete(id);
      if (same(this.store.get(id), this.known.objects.get(id))) this.dirty.delete(id);
      else this.dirty.add(id);
    }
    this.keep([...diff.objects.keys()]);
    this.schedule(DELAY);
    this.changed.emit();
  }

  /** Writes the present state of these objects, and of all else unsaved, to the journal. */
  private keep(ids: number[]): void {
    if (this.abandoned) return;
    const { known, store } = this;
    const entries: Entry[] = [];
    const gone: number[] = [];
    for (const id of ids) {
      if (this.dirty.has(id)) entries.push({ id, base: known.objects.get(id) ?? null, put: store.get(id) ?? null });
      else gone.push(id);
    }
    const attributes = same(store.attributes, known.attributes) ? undefined : { base: known.attributes, put: store.attributes };
    const frames = same(store.frames, known.frames) ? undefined : { base: known.frames, put: store.frames };
    this.journal.write(this.item, { version: known.version, inflight: this.inflight, attributes, frames }, entries, gone);
  }

  private schedule(delay: number): void {
    if (this.timer !== undefined || this.inflight || this.blocked || this.clashes.length) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.flush();
    }, delay);
  }

  /** Tries at once: the network is back, the person signed in again, or is about to leave. */
  retry(): void {
    this.blocked = null;
    this.wake?.();
    clearTimeout(this.timer);
    this.timer = undefined;
    void this.flush();
  }

  /** Resolves when everything is on the server; false when it cannot get there now. */
  async settled(): Promise<boolean> {
    clearTimeout(this.timer);
    this.timer = undefined;
    void this.flush();
    while (this.state.kind === "saving") await new Promise<void>((resolve) => this.waiting.push(resolve));
    return this.state.kind === "saved";
  }

  /** Stops saving: the page is being left or the task is over. */
  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.blocked ??= "forbidden";
  }

  private compose(): Save | null {
    const ids = [...this.dirty].filter((id) => !this.refused.has(id));
    const save: Save = { base: this.known.version, save_id: uuid(), lease: this.lease, put: [], delete: [] };
    for (const id of ids) {
      const object = this.store.get(id);
      if (object) save.put.push(object);
      else save.delete.push(id);
    }
    if (!same(this.store.attributes, this.known.attributes)) save.attributes = this.store.attributes;
    if (!same(this.store.frames, this.known.frames)) save.frames = this.store.frames;
    return ids.length || save.attributes || save.frames ? save : null;
  }

  private async flush(): Promise<void> {
    if (this.inflight || this.blocked || this.clashes.length) return this.announce();
    this.inflight = this.compose();
    if (!this.inflight) {
      this.failures = 0;
      return this.announce();
    }
    this.keep([]);
    this.changed.emit();
    await this.send(this.inflight);
    this.inflight = null;
    this.keep([]);
    this.announce();
    if (this.pending > this.refused.size) this.schedule(this.failures ? RETRY[Math.min(this.failures, RETRY.length) - 1] : DELAY);
  }

  /** One save until it is answered: no answer means the same save again, so that nothing is applied twice. */
  private async send(save: Save): Promise<void> {
    for (;;) {
      try {
        const saved = await this.transport.save(this.item, save);
        this.failures = 0;
        return this.accepted(save, saved);
      } catch (error) {
        if (error instanceof ApiError) {
          this.failures = 0;
          return await this.declined(error, save);
        }
        if (!(error instanceof Offline)) throw error;
        if (!(await this.another(error))) return;
      }
    }
  }

  /** Waits before trying again; false when saving has been stopped meanwhile. */
  private async another(error: Offline): Promise<boolean> {
    this.detail = error.message;
    this.failures++;
    this.announce();
    await this.pause(RETRY[Math.min(this.failures, RETRY.length) - 1]);
    return !this.blocked;
  }

  private wake: (() => void) | null = null;

  private pause(time: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, time);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private accepted(save: Save, saved: Saved): void {
    const { known, store, dirty } = this;
    known.version = saved.version;
    const renamed = new Map(Object.entries(saved.renamed ?? {}).map(([from, to]) => [Number(from), to]));
    for (const object of save.put) known.objects.set(renamed.get(object.id) ?? object.id, { ...object, id: renamed.get(object.id) ?? object.id });
    for (const id of save.delete) known.objects.delete(id);
    if (save.attributes) known.attributes = save.attributes;
    if (save.frames) known.frames = save.frames;
    for (const from of renamed.keys()) dirty.delete(from);
    if (renamed.size) store.rename(renamed);
    this.catchUp(saved);
    const touched = new Set([...save.put.map((o) => o.id), ...save.delete, ...renamed.keys(), ...renamed.values()]);
    for (const id of touched) {
      if (same(store.get(id), known.objects.get(id))) dirty.delete(id);
      else dirty.add(id);
    }
    this.inflight = null;
    this.keep([...touched]);
  }

  /** Takes over what others have changed since our base, except where this visit has changed it too. */
  private catchUp(saved: Saved): void {
    const { known, store, dirty } = this;
    const news = saved.merged.filter((object) => !same(known.objects.get(object.id), object));
    for (const object of saved.merged) known.objects.set(object.id, object);
    for (const id of saved.deleted) known.objects.delete(id);
    const attributes = saved.attributes && mergedKeys(known.attributes, store.attributes, saved.attributes);
    const frames = saved.frames && mergedKeys(known.frames, store.frames, saved.frames);
    known.attributes = saved.attributes ?? known.attributes;
    known.frames = saved.frames ?? known.frames;
    store.change("server", (draft) => {
      for (const object of news) if (!dirty.has(object.id)) draft.put(object);
      for (const id of saved.deleted) if (!dirty.has(id) && store.get(id)) draft.delete(id);
      if (attributes) draft.setAttributes(attributes);
      if (frames) draft.setFrames(frames);
    });
  }

  /** The browser says that the network is back: no need to wait longer. */
  online(): void {
    this.wake?.();
  }

  /** Never touches the journal again: another visit owns it now. */
  abandon(): void {
    this.abandoned = true;
  }

  private abandoned = false;

  private async declined(error: ApiError, save: Save): Promise<void> {
    this.detail = error.message;
    if (error.code === "stale") await this.reread();
    else if (error.code === "lease_lost") this.blocked = "lease_lost";
    else if (error.status === 401) this.blocked = "signed_out";
    else if (error.status === 422 || error.status === 413) this.refuse(error, save);
    else this.blocked = "forbidden";
  }

  /** The server's document has moved on where we changed it: reads it whole and finds what both sides changed. */
  private async reread(): Promise<void> {
    for (;;) {
      try {
        return this.absorb(await this.transport.document(this.item));
      } catch (error) {
        if (error instanceof ApiError) return void (this.blocked = error.status === 401 ? "signed_out" : "forbidden");
        if (!(error instanceof Offline)) throw error;
        if (!(await this.another(error))) return;
      }
    }
  }

  /** Takes over a later document of the server; objects changed on both sides become clashes. */
  absorb(document: Document): void {
    const { known, store, dirty } = this;
    const later = new Known(document, document.version);
    const taken = new Map<number, number>();
    for (const id of later.objects.keys()) store.reserve(id);
    for (const id of dirty) {
      const [base, mine, theirs] = [known.objects.get(id), store.get(id), later.objects.get(id)];
      if (same(mine, theirs) || same(base, theirs)) continue;
      if (!base && mine) taken.set(id, store.nextId());
      else this.clashes.push({ object_id: id, base: base ?? null, yours: mine ?? null, theirs: theirs ?? null });
    }
    if (taken.size) store.rename(taken);
    for (const id of taken.keys()) dirty.delete(id);
    const ids = new Set([...known.objects.keys(), ...later.objects.keys()]);
    const attributes = mergedKeys(known.attributes, store.attributes, later.attributes);
    const frames = mergedKeys(known.frames, store.frames, later.frames);
    this.known = later;
    store.change("server", (draft) => {
      for (const id of ids) {
        if (dirty.has(id)) continue;
        const theirs = later.objects.get(id);
        if (theirs) draft.put(theirs);
        else if (store.get(id)) draft.delete(id);
      }
      draft.setAttributes(attributes);
      draft.setFrames(frames);
    });
    for (const id of [...dirty]) if (same(store.get(id), later.objects.get(id))) dirty.delete(id);
    this.keep([...ids, ...taken.keys(), ...taken.values()]);
  }

  /** Sets aside the objects that the server will not take, so that the others get through. */
  private refuse(error: ApiError, save: Save): void {
    const problems = (error.body.problems as Problem[] | undefined) ?? [];
    const ids = new Set(save.put.map((o) => o.id));
    for (const problem of problems) if (problem.object_id !== null && ids.has(problem.object_id)) this.refused.set(problem.object_id, problem);
    if (problems.some((p) => p.object_id !== null && ids.has(p.object_id))) return;
    for (const id of ids) this.refused.set(id, { object_id: id, field: "", message: error.message, code: error.code });
    if (!ids.size) this.blocked = "refused";
  }

  /** Settles the clashes: `mine` are the objects to keep as they are here, the others become theirs. */
  resolve(mine: ReadonlySet<number>): void {
    const given = this.clashes.filter((clash) => !mine.has(clash.object_id));
    this.clashes = [];
    for (const { object_id: id } of given) this.dirty.delete(id);
    this.store.change("server", (draft) => {
      for (const { object_id: id, theirs } of given) {
        if (theirs) draft.put(theirs);
        else draft.delete(id);
      }
    });
    this.keep(given.map((clash) => clash.object_id));
    this.announce();
    this.schedule(0);
  }

  /** Brings back what an earlier visit could not save. Objects that somebody changed meanwhile become clashes. */
  recover(kept: Kept): number {
    const { known, store } = this;
    for (const entry of kept.entries) store.reserve(entry.id);
    const back: Entry[] = [];
    for (const entry of kept.entries) {
      const now = known.objects.get(entry.id) ?? null;
      if (same(now, entry.put)) continue;
      if (same(now, entry.base)) back.push(entry);
      else if (!entry.base && entry.put) back.push({ ...entry, id: store.nextId() });
      else this.clashes.push({ object_id: entry.id, base: entry.base, yours: entry.put, theirs: now });
    }
    for (const { object_id: id, base, yours } of this.clashes) back.push({ id, base, put: yours });
    store.change("journal", (draft) => {
      for (const { id, put } of back) {
        if (put) draft.put({ ...put, id });
        else draft.delete(id);
      }
      const { attributes, frames } = kept.head ?? {};
      if (attributes) draft.setAttributes(mergedKeys(attributes.base, attributes.put, known.attributes));
      if (frames) draft.setFrames(mergedKeys(frames.base, frames.put, known.frames));
    });
    this.keep(kept.entries.map((entry) => entry.id));
    this.announce();
    return this.pending;
  }

  /** A heartbeat learned that somebody else holds the task now. */
  loseLease(detail: string): void {
    this.block("lease_lost", detail);
  }

  /** A heartbeat learned that the session has ended. */
  signOut(detail: string): void {
    this.block("signed_out", detail);
  }

  private block(kind: SyncKind, detail: string): void {
    this.blocked = kind;
    this.detail = detail;
    this.announce();
  }

  private announce(): void {
    this.changed.emit();
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
