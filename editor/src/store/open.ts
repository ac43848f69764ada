// Opening a task's document: first finishes what an earlier visit had begun to save, then reads, then recovers.

import type { Work } from "../model/work.ts";
import { ApiError } from "./api.ts";
import type { Head, Journal, Kept } from "./journal.ts";
import { Store } from "./store.ts";
import { Sync, type Transport, blocking } from "./sync.ts";
import { Undo } from "./undo.ts";

export interface Opened {
  store: Store;
  undo: Undo;
  sync: Sync;
  /** How many changes of an earlier visit were brought back. */
  recovered: number;
}

/**
 * Sends a save again that an earlier visit got no answer for, under the lease of now: the same `save_id` answers as the
 * first time. False when that cannot be done now: then it stays in the journal, since it may have been applied.
 */
export async function finishEarlier(item: string, transport: Transport, journal: Journal, lease: string | null): Promise<boolean> {
  const kept = await journal.read(item);
  const save = kept.head?.inflight;
  if (!save) return true;
  try {
    const saved = await transport.save(item, { ...save, lease });
    const renamed = new Map(Object.entries(saved.renamed ?? {}).map(([from, to]) => [Number(from), to]));
    await rewrite(item, journal, kept, { ...kept.head!, inflight: null, version: saved.version }, renamed);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (blocking(error)) return false;
    journal.write(item, { ...kept.head!, inflight: null }, [], []);
  }
  return true;
}

/** The journal after that save: its objects are now the base of what came after them, under their given ids. */
async function rewrite(item: string, journal: Journal, kept: Kept, head: Head, renamed: Map<number, number>): Promise<void> {
  const { put, delete: gone } = kept.head!.inflight!;
  const sent = new Map(put.map((object) => [object.id, object]));
  let free = Math.max(0, ...kept.entries.map((entry) => entry.id), ...renamed.values()) + 1;
  const given = new Set(renamed.values());
  const entries = kept.entries.map((entry) => {
    // Drawn after that save under an id that the save was given: it moves on.
    const id = renamed.get(entry.id) ?? (given.has(entry.id) ? free++ : entry.id);
    const before = sent.get(entry.id);
    const base = gone.includes(entry.id) ? null : before ? { ...before, id } : entry.base;
    return { id, base, put: entry.put && { ...entry.put, id } };
  });
  await journal.clear(item);
  journal.write(item, head, entries, []);
}

/** The store with everything that belongs to it, holding what the server has and what the journal kept. */
export async function openDocument(work: Work, transport: Transport, journal: Journal): Promise<Opened> {
  const store = new Store(work.document);
  const undo = new Undo(store);
  const sync = new Sync(store, work.document.version, work.item.uid, transport, journal, work.task.lease);
  const kept = await journal.read(work.item.uid);
  const recovered = kept.entries.length || kept.head ? sync.recover(kept) : 0;
  return { store, undo, sync, recovered };
}
