// What is selected, hovered, hidden, held still: of this visit only, never saved.

import { Emitter } from "./emitter.ts";
import type { Store } from "./store.ts";

export class Selection {
  private chosen = new Set<number>();
  private unseen = new Set<number>();
  private still = new Set<number>();
  private over: number | null = null;
  readonly changed = new Emitter();

  constructor(private readonly store: Store) {
    store.onChange((diff) => {
      const left = new Set(this.chosen);
      for (const [id, { after }] of diff.objects) {
        if (!after) left.delete(id);
        if (!after && this.over === id) this.over = null;
      }
      if (left.size === this.chosen.size) return;
      this.chosen = left;
      this.changed.emit();
    });
    store.onRename((ids) => {
      const renamed = (set: Set<number>): Set<number> => new Set([...set].map((id) => ids.get(id) ?? id));
      this.chosen = renamed(this.chosen);
      this.unseen = renamed(this.unseen);
      this.still = renamed(this.still);
    });
  }

  get ids(): ReadonlySet<number> {
    return this.chosen;
  }

  /** The one selected object, if it is exactly one. */
  get only(): number | null {
    return this.chosen.size === 1 ? [...this.chosen][0] : null;
  }

  get hover(): number | null {
    return this.over;
  }

  has(id: number): boolean {
    return this.chosen.has(id);
  }

  set(ids: Iterable<number>): void {
    const next = new Set([...ids].filter((id) => this.store.get(id)));
    if (next.size === this.chosen.size && [...next].every((id) => this.chosen.has(id))) return;
    this.chosen = next;
    this.changed.emit();
  }

  toggle(id: number): void {
    const next = new Set(this.chosen);
    if (!next.delete(id)) next.add(id);
    this.set(next);
  }

  clear(): void {
    this.set([]);
  }

  setHover(id: number | null): void {
    if (id === this.over) return;
    this.over = id;
    this.changed.emit();
  }

  hidden(id: number): boolean {
    return this.unseen.has(id);
  }

  get hiddenCount(): number {
    return this.unseen.size;
  }

  hide(ids: Iterable<number>, hidden: boolean): void {
    this.put(this.unseen, ids, hidden);
  }

  /** Kept from being changed by accident. */
  held(id: number): boolean {
    return this.still.has(id);
  }

  hold(ids: Iterable<number>, held: boolean): void {
    this.put(this.still, ids, held);
  }

  private put(set: Set<number>, ids: Iterable<number>, into: boolean): void {
    for (const id of ids) {
      if (into) set.add(id);
      else set.delete(id);
    }
    this.changed.emit();
  }
}
