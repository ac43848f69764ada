// Keeps what was loaded, by name, while there is room: what was used longest ago goes first.

/** A file's name whatever link leads to it: signed links change with time. */
const nameOf = (url: string): string => url.split("?")[0];

export class Shelf<T> {
  private readonly kept = new Map<string, Promise<T>>();
  private readonly there = new Map<string, { value: T; bytes: number }>();
  private held = "";

  constructor(
    private readonly room: number,
    private readonly bytesOf: (value: T) => number,
    private readonly drop: (value: T) => void,
  ) {}

  /** What is kept under the address, else what `make` gives. `hold`: it is on the screen, so it is not given up. */
  load(url: string, make: () => Promise<T>, hold = false): Promise<T> {
    const name = nameOf(url);
    if (hold) this.held = name;
    const kept = this.kept.get(name);
    if (kept) {
      this.kept.delete(name);
      this.kept.set(name, kept);
      return kept;
    }
    const coming = make();
    this.kept.set(name, coming);
    coming.then(
      (value) => {
        this.there.set(name, { value, bytes: this.bytesOf(value) });
        this.makeRoom(name);
      },
      () => this.kept.delete(name),
    );
    return coming;
  }

  /** Is it there, decoded? */
  has(url: string): boolean {
    return this.there.has(nameOf(url));
  }

  /** Is it there, or on its way? */
  knows(url: string): boolean {
    return this.kept.has(nameOf(url));
  }

  private makeRoom(keep: string): void {
    let total = 0;
    for (const { bytes } of this.there.values()) total += bytes;
    for (const name of [...this.kept.keys()]) {
      if (total <= this.room) return;
      const gone = this.there.get(name);
      if (name === keep || name === this.held || !gone) continue;
      this.kept.delete(name);
      this.there.delete(name);
      total -= gone.bytes;
      this.drop(gone.value);
    }
  }
}
