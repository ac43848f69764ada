// One question to the server at a time: a later one replaces it, cancelling gives it up, and an answer that comes too late
// is not looked at.

import type { Desk } from "./tool.ts";

export class Asking {
  private controller: AbortController | null = null;

  constructor(private readonly desk: Desk) {}

  get busy(): boolean {
    return this.controller !== null;
  }

  /** Asks; `then` gets the answer. A failure is said, and `failed` called. */
  ask<T>(question: (signal: AbortSignal) => Promise<T>, then: (answer: T) => void, failed?: () => void): void {
    this.cancel();
    const controller = new AbortController();
    this.controller = controller;
    const settle = (next: () => void): void => {
      if (this.controller !== controller) return;
      this.controller = null;
      next();
      this.desk.changedState();
    };
    question(controller.signal).then(
      (answer) => settle(() => then(answer)),
      (error: unknown) => settle(() => {
        this.desk.say(error instanceof Error ? error.message : String(error));
        failed?.();
      }),
    );
    this.desk.changedState();
  }

  cancel(): boolean {
    const had = this.busy;
    this.controller?.abort();
    this.controller = null;
    return had;
  }
}
