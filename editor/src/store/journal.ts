// The journal: what the server does not have yet, kept in this browser's IndexedDB from the moment it is drawn.

import type { Attributes, LabelObject } from "../model/document.ts";
import type { Save } from "../model/work.ts";
import { Emitter } from "./emitter.ts";

/** An unsaved object: as the server had it (`base`) and as it is now (`put`; null: deleted). */
export interface Entry {
  id: number;
  base: LabelObject | null;
  put: LabelObject | null;
}

/** The rest of an item's unsaved state. `inflight`: a save that was sent and not answered yet. */
export interface Head {
  version: number;
  inflight: Save | null;
  attributes?: { base: Attributes; put: Attributes };
  frames?: { base: Record<string, Attributes>; put: Record<string, Attributes> };
}

export interface Kept {
  head: Head | null;
  entries: Entry[];
}

export interface Journal {
  /** Does all that was written outlive this tab? Not where the browser keeps nothing, or has no room left. */
  readonly keeps: boolean;
  /** `keeps` has changed. */
  changed(listener: () => void): void;
  read(item: string): Promise<Kept>;
  /** Keeps the head, puts `entries` and drops those of `gone`, all or nothing. */
  write(item: string, head: Head, entries: Entry[], gone: number[]): void;
  clear(item: string): Promise<void>;
}

const NAME = "labelwright-journal";

export class BrowserJournal implements Journal {
  keeps = true;
  private readonly emitter = new Emitter();
  /** What could not be written yet, or is being written; null: to be dropped. */
  private readonly owed = new Map<string, Map<number, Entry | null>>();

  private constructor(private readonly database: IDBDatabase) {
    // The person, or a browser short of room, has thrown all of it away.
    database.onclose = () => this.keep(false);
  }

  changed(listener: () => void): void {
    this.emitter.on(listener);
  }

  private keep(keeps: boolean): void {
    if (keeps === this.keeps) return;
    this.keeps = keeps;
    this.emitter.emit();
  }

  /** Opens the journal; null where the browser keeps nothing (private windows of some browsers). */
  static async open(): Promise<BrowserJournal | null> {
    try {
      return new BrowserJournal(await openDatabase());
    } catch {
      return null;
    }
  }

  async read(item: string): Promise<Kept> {
    const transaction = this.database.transaction(["heads", "entries"]);
    const head = done<Head | undefined>(transaction.objectStore("heads").get(item));
    const entries = done<Entry[]>(transaction.objectStore("entries").getAll(rangeOf(item)));
    return { head: (await head) ?? null, entries: await entries };
  }

  write(item: string, head: Head, entries: Entry[], gone: number[]): void {
    const owed = this.owed.get(item) ?? new Map<number, Entry | null>();
    this.owed.set(item, owed);
    for (const entry of entries) owed.set(entry.id, entry);
    for (const id of gone) owed.set(id, null);
    const now = [...owed];
    try {
      const transaction = this.database.transaction(["heads", "entries"], "readwrite", { durability: "relaxed" });
      transaction.onabort = () => this.keep(false);
      transaction.oncomplete = () => {
        for (const [id, entry] of now) if (owed.get(id) === entry) owed.delete(id);
        this.keep(true);
      };
      transaction.objectStore("heads").put(head, item);
      const rows = transaction.objectStore("entries");
      for (const [id, entry] of now) {
        if (entry) rows.put(entry, [item, id]);
        else rows.delete([item, id]);
      }
      // Without waiting for the requests: a tab killed now has already handed everything over.
      transaction.commit();
    } catch {
      // Saving to the server goes on without it.
      this.keep(false);
    }
  }

  async clear(item: string): Promise<void> {
    this.owed.delete(item);
    const transaction = this.database.transaction(["heads", "entries"], "readwrite");
    transaction.objectStore("heads").delete(item);
    await done(transaction.objectStore("entries").delete(rangeOf(item)));
  }
}

const rangeOf = (item: string): IDBKeyRange => IDBKeyRange.bound([item], [item, []]);

function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("heads");
    request.result.createObjectStore("entries");
  };
  return done(request);
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Keeps nothing past the visit: for browsers without IndexedDB, and for tests that close and open a visit. */
export class MemoryJournal implements Journal {
  constructor(readonly keeps = true) {}

  changed(): void {
    // What it is it stays.
  }

  private readonly kept = new Map<string, { head: Head; entries: Map<number, Entry> }>();

  read(item: string): Promise<Kept> {
    const kept = this.kept.get(item);
    return Promise.resolve({ head: kept?.head ?? null, entries: [...(kept?.entries.values() ?? [])] });
  }

  write(item: string, head: Head, entries: Entry[], gone: number[]): void {
    const kept = this.kept.get(item) ?? { head, entries: new Map<number, Entry>() };
    kept.head = structuredClone(head);
    for (const entry of entries) kept.entries.set(entry.id, entry);
    for (const id of gone) kept.entries.delete(id);
    this.kept.set(item, kept);
  }

  clear(item: string): Promise<void> {
    this.kept.delete(item);
    return Promise.resolve();
  }
}
