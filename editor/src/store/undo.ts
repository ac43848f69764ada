// Undo and redo: the person's own diffs, replayed backwards. What others have changed since is never overwritten.

import { type Diff, type Draft, type Store, inverse, joined } from "./store.ts";

const LIMIT = 500;

/** `late`: others have changed something since. */
type Step = Diff & { late?: boolean };

export class Undo {
  /** Fits what a step brings back to what others have changed since. */
  mend: ((draft: Draft) => void) | null = null;
  private done: Step[] = [];
  private undone: Step[] = [];
  private key: string | undefined;

  constructor(private readonly store: Store) {
    store.onChange((diff, origin, merge) => {
      if (origin === "user") this.record(diff, merge);
      if (origin === "server") this.forget(new Set(diff.objects.keys()));
    });
    store.onRename((ids) => this.rename(ids));
  }

  private record(diff: Diff, merge?: string): void {
    const last = this.done.at(-1);
    if (merge && merge === this.key && last) this.done[this.done.length - 1] = { ...joined(last, diff), late: last.late };
    else this.done.push(diff);
    this.key = merge;
    this.undone = [];
    if (this.done.length > LIMIT) this.done.shift();
  }

  get canUndo(): boolean {
    return this.done.length > 0;
  }

  get canRedo(): boolean {
    return this.undone.length > 0;
  }

  /** Takes the last change back; gives what that did, or null when there is nothing. */
  undo(): Diff | null {
    return this.step(this.done, this.undone, inverse);
  }

  redo(): Diff | null {
    return this.step(this.undone, this.done, (diff) => diff);
  }

  private step(from: Step[], to: Step[], turn: (diff: Diff) => Diff): Diff | null {
    const diff = from.pop();
    if (!diff) return null;
    this.key = undefined;
    to.push(diff);
    const turned = turn(diff);
    this.store.change("undo", (draft) => {
      Object.assign(draft.diff, { ...turned, objects: new Map(turned.objects) });
      if (diff.late) this.mend?.(draft);
    });
    return turned;
  }

  /** Ends a run of merged changes: the next one is a step of its own. */
  seal(): void {
    this.key = undefined;
  }

  /** Drops what concerns these objects from every step: they are as somebody else left them now. */
  private forget(ids: Set<number>): void {
    const without = (diff: Step): Step => ({ ...diff, objects: new Map([...diff.objects].filter(([id]) => !ids.has(id))), late: true });
    const keep = (diff: Step): boolean => diff.objects.size > 0 || !!diff.attributes || !!diff.frames;
    this.done = this.done.map(without).filter(keep);
    this.undone = this.undone.map(without).filter(keep);
  }

  private rename(ids: Map<number, number>): void {
    const renamed = (diff: Step): Step => ({
      ...diff,
      objects: new Map([...diff.objects].map(([id, { before, after }]) => {
        const now = ids.get(id) ?? id;
        return [now, { before: before && { ...before, id: now }, after: after && { ...after, id: now } }];
      })),
    });
    this.done = this.done.map(renamed);
    this.undone = this.undone.map(renamed);
  }
}
