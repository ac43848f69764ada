// Finds objects by place: a grid over the picture with the ids whose boxes touch each cell.

import { type Bounds, clamp, overlaps } from "../geometry/plane.ts";

const CELLS = 48;
const LARGE = 256;

export class Grid {
  private readonly cells = new Map<number, Set<number>>();
  private readonly large = new Set<number>();
  private readonly boxes = new Map<number, Bounds>();

  clear(): void {
    this.cells.clear();
    this.large.clear();
    this.boxes.clear();
  }

  set(id: number, bounds: Bounds): void {
    this.delete(id);
    this.boxes.set(id, bounds);
    const [x1, y1, x2, y2] = range(bounds);
    if ((x2 - x1 + 1) * (y2 - y1 + 1) > LARGE) {
      this.large.add(id);
      return;
    }
    this.each(x1, y1, x2, y2, (key) => {
      const cell = this.cells.get(key);
      if (cell) cell.add(id);
      else this.cells.set(key, new Set([id]));
    });
  }

  delete(id: number): void {
    const bounds = this.boxes.get(id);
    if (!bounds) return;
    this.boxes.delete(id);
    if (this.large.delete(id)) return;
    this.each(...range(bounds), (key) => this.cells.get(key)?.delete(id));
  }

  /** Ids whose boxes touch `bounds`, in no particular order. */
  query(bounds: Bounds): number[] {
    const found = new Set<number>();
    const [x1, y1, x2, y2] = range(bounds);
    if ((x2 - x1 + 1) * (y2 - y1 + 1) >= CELLS * CELLS) {
      for (const [id, box] of this.boxes) if (overlaps(box, bounds)) found.add(id);
      return [...found];
    }
    for (const id of this.large) if (overlaps(this.boxes.get(id)!, bounds)) found.add(id);
    this.each(x1, y1, x2, y2, (key) => {
      for (const id of this.cells.get(key) ?? []) if (!found.has(id) && overlaps(this.boxes.get(id)!, bounds)) found.add(id);
    });
    return [...found];
  }

  private each(x1: number, y1: number, x2: number, y2: number, visit: (key: number) => void): void {
    for (let y = y1; y <= y2; y++) for (let x = x1; x <= x2; x++) visit(y * CELLS + x);
  }
}

function range(b: Bounds): [number, number, number, number] {
  const cell = (v: number): number => clamp(Math.floor(v * CELLS), 0, CELLS - 1);
  return [cell(b.x1), cell(b.y1), cell(b.x2), cell(b.y2)];
}
