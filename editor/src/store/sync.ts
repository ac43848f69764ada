// Saving: whatever differs from what the server has goes there within a second, one save at a time, and stands in the
// journal until the server has answered.

import type { Document } from "../model/document.ts";
import type { Clash, Problem, Save, Saved } from "../model/work.ts";
import { ApiError, Offline } from "./api.ts";
import { Emitter } from "./emitter.ts";
import type { Journal, Kept } from "./journal.ts";
import { Replica } from "./replica.ts";
import type { Diff, Origin, Store } from "./store.ts";
import { uuid } from "./uuid.ts";

export type SyncKind = "saved" | "saving" | "offline" | "clash" | "signed_out" | "lease_lost" | "stopped" | "refused" | "forbidden";

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
  /** Objects that the server refused, with its reason; sent again once changed. */
  readonly refused = new Map<number, Problem>();
  private readonly replica: Replica;
  private inflight: Save | null = null;
  private blocked: SyncKind | null = null;
  private detail = "";
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private waiting: (() => void)[] = [];
  private wake: (() => void) | null = null;
  private over = false;

  constructor(
    store: Store,
    version: number,
    private readonly item: string,
    private readonly transport: Transport,
    private readonly journal: Journal,
    public lease: string | null,
  ) {
    this.replica = new Replica(store, version);
    store.onChange((diff, origin) => this.noticed(diff, origin));
    journal.changed(() => this.changed.emit());
  }

  get version(): number {
    return this.replica.version;
  }

  get clashes(): Clash[] {
    return this.replica.clashes;
  }

  /** Does what is not saved yet outlive this tab? */
  get keeps(): boolean {
    return this.journal.keeps;
  }

  /** How many changes the server does not have yet. */
  get pending(): number {
    return this.replica.pending;
  }

  get state(): SyncState {
    const { pending, detail } = this;
    if (this.clashes.length) return { kind: "clash", pending, detail };
    if (this.blocked) return { kind: this.blocked, pending, detail };
    if (this.failures) return { kind: "offline", pending, detail };
    if (this.refused.size && pending <= this.refused.size && !this.inflight) return { kind: "refused", pending, detail };
    return { kind: pending || this.inflight ? "saving" : "saved", pending, detail: "" };
  }

  private noticed(diff: Diff, origin: Origin): void {
    if (origin === "server" || this.over) return;
    const ids = [...diff.objects.keys()];
    for (const id of ids) this.refused.delete(id);
    this.replica.mark(ids, this.inflight);
    this.keep(ids);
    this.schedule(DELAY);
    this.changed.emit();
  }

  /** Writes the present state of these objects, and of all else unsaved, to the journal. */
  private keep(ids: number[]): void {
    if (this.over) return;
    const { entries, gone } = this.replica.entries(ids);
    this.journal.write(this.item, this.replica.head(this.inflight), entries, gone);
  }

  private schedule(delay: number): void {
    if (this.timer !== undefined || this.inflight || this.blocked || this.clashes.length || this.over) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.flush();
    }, delay);
  }

  private unschedule(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** Tries at once: the person signed in again, took the task back, or is about to leave. */
  retry(): void {
    this.blocked = null;
    this.wake?.();
    this.unschedule();
    void this.flush();
  }

  /** The browser says that the network is back: no need to wait longer. */
  online(): void {
    this.wake?.();
  }

  /** Resolves when everything is on the server; false when it cannot get there now. */
  async settled(): Promise<boolean> {
    this.unschedule();
    void this.flush();
    while (this.state.kind === "saving") await new Promise<void>((resolve) => this.waiting.push(resolve));
    return this.state.kind === "saved";
  }

  /** Stops saving and never touches the journal again: the task is over, or another visit owns it now. */
  stop(): void {
    this.unschedule();
    this.over = true;
    this.wake?.();
  }

  private async flush(): Promise<void> {
    if (this.inflight || this.blocked || this.clashes.length || this.over) return this.announce();
    const save = this.replica.compose(this.refused, uuid(), this.lease);
    if (!save) {
      this.failures = 0;
      return this.announce();
    }
    this.inflight = save;
    this.keep([]);
    this.changed.emit();
    const touched = await this.send(save);
    if (this.over) return;
    this.inflight = null;
    this.keep(touched);
    this.announce();
    if (this.pending > this.refused.size) this.schedule(this.failures ? RETRY[Math.min(this.failures, RETRY.length) - 1] : DELAY);
  }

  /**
   * One save until it is answered: no answer means the same save again, so that nothing is applied twice. That holds also
   * when the session or the lease ends meanwhile, since the server may have applied it before.
   */
  private async send(first: Save): Promise<number[]> {
    let save = first;
    for (;;) {
      try {
        const saved = await this.transport.save(this.item, save);
        if (this.over) return [];
        this.failures = 0;
        // From here on ids are looked at without it: it is answered.
        this.inflight = null;
        return this.replica.accepted(save, saved);
      } catch (error) {
        if (this.over) return [];
        if (error instanceof ApiError) {
          this.failures = 0;
          const kind = blocking(error);
          if (!kind) return await this.declined(error, save);
          this.block(kind, error.message);
        } else if (error instanceof Offline) await this.another(error);
        else throw error;
        if (!(await this.freed())) return [];
        if (save.lease !== this.lease) this.inflight = save = { ...save, lease: this.lease };
      }
    }
  }

  /** Waits while saving is held up; false when it has been stopped meanwhile. */
  private async freed(): Promise<boolean> {
    while (this.blocked && !this.over) await new Promise<void>((resolve) => (this.wake = resolve));
    return !this.over;
  }

  /** Waits before trying again; false when saving has been stopped meanwhile. */
  private async another(error: Offline): Promise<boolean> {
    this.detail = error.message;
    this.failures++;
    this.announce();
    await this.pause(RETRY[Math.min(this.failures, RETRY.length) - 1]);
    return !this.blocked && !this.over;
  }

  private pause(time: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, time);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private async declined(error: ApiError, save: Save): Promise<number[]> {
    this.detail = error.message;
    this.inflight = null;
    const sent = [...save.put.map((object) => object.id), ...save.delete];
    if (error.code === "stale") return [...sent, ...(await this.reread())];
    this.replica.mark(sent, null);
    this.refuse(error, save);
    return sent;
  }

  /** The server's document has moved on where we changed it: reads it whole and finds what both sides changed. */
  private async reread(): Promise<number[]> {
    for (;;) {
      try {
        return this.replica.absorb(await this.transport.document(this.item));
      } catch (error) {
        if (error instanceof ApiError) {
          this.blocked = error.status === 401 ? "signed_out" : "forbidden";
          return [];
        }
        if (!(error instanceof Offline)) throw error;
        if (!(await this.another(error))) return [];
      }
    }
  }

  /** Takes over the server's present document at once: it was changed there on this person's own wish. */
  async refresh(): Promise<void> {
    this.keep(await this.reread());
    this.announce();
  }

  /** Sets aside the objects that the server will not take, so that the others get through. */
  private refuse(error: ApiError, save: Save): void {
    const problems = (error.body.problems as Problem[] | undefined) ?? [];
    const ids = new Set(save.put.map((object) => object.id));
    const named = problems.filter((problem) => problem.object_id != null && ids.has(problem.object_id));
    for (const problem of named) this.refused.set(problem.object_id!, problem);
    if (named.length) return;
    for (const id of ids) this.refused.set(id, { object_id: id, field: "", message: error.message, code: error.code });
    if (!ids.size) this.blocked = "refused";
  }

  /** Settles the clashes: `mine` are the objects to keep as they are here, the others become theirs. */
  resolve(mine: ReadonlySet<number>): void {
    this.keep(this.replica.resolve(mine));
    this.announce();
    this.schedule(0);
  }

  /** Brings back what an earlier visit could not save; how many changes that were. */
  recover(kept: Kept): number {
    this.keep(this.replica.recover(kept));
    this.announce();
    return this.pending;
  }

  /** A heartbeat learned that somebody else holds the task now. */
  loseLease(detail: string): void {
    this.block("lease_lost", detail);
  }

  /** A heartbeat learned that the job was stopped: what is not saved waits until it goes on. */
  jobStopped(detail: string): void {
    this.block("stopped", detail);
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

/** What holds up all saving; null when the answer is about this one save. */
export function blocking(error: ApiError): SyncKind | null {
  if (error.code === "lease_lost") return "lease_lost";
  if (error.code === "job_stopped") return "stopped";
  if (error.status === 401) return "signed_out";
  return error.code === "stale" || error.status === 422 || error.status === 413 ? null : "forbidden";
}
