// What is to be fetched soon, the most urgent first and a few at a time.

const AT_ONCE = 4;

export class Queue<T> {
  private wanted: T[] = [];
  private readonly coming = new Set<T>();

  /** `fetch` puts what came where it belongs; its failures are not looked at. */
  constructor(private readonly fetch: (one: T) => Promise<unknown>) {}

  /** What was wanted before, has not begun and is not wanted now is not fetched; what is on its way is not fetched twice. */
  want(wanted: T[]): void {
    this.wanted = wanted.filter((one) => !this.coming.has(one));
    this.next();
  }

  /** Is there anything still to come? */
  get busy(): boolean {
    return this.coming.size > 0 || this.wanted.length > 0;
  }

  private next(): void {
    while (this.coming.size < AT_ONCE && this.wanted.length) {
      const one = this.wanted.shift()!;
      this.coming.add(one);
      const done = (): void => {
        this.coming.delete(one);
        this.next();
      };
      this.fetch(one).then(done, done);
    }
  }
}
