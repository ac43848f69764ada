// What is to be fetched soon, the most urgent first and a few at a time.

const AT_ONCE = 4;

export class Queue<T> {
  private wanted: T[] = [];
  private coming = 0;

  /** `fetch` puts what came where it belongs; its failures are not looked at. */
  constructor(private readonly fetch: (one: T) => Promise<unknown>) {}

  /** What was wanted before, has not begun and is not wanted now is not fetched. */
  want(wanted: T[]): void {
    this.wanted = wanted;
    this.next();
  }

  /** Is there anything still to come? */
  get busy(): boolean {
    return this.coming > 0 || this.wanted.length > 0;
  }

  private next(): void {
    while (this.coming < AT_ONCE && this.wanted.length) {
      this.coming++;
      const done = (): void => {
        this.coming--;
        this.next();
      };
      this.fetch(this.wanted.shift()!).then(done, done);
    }
  }
}
