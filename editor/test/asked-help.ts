// The server's side of the help while drawing: questions wait until the test answers or refuses them.

import type { Help } from "../src/store/help.ts";

export interface Waiting {
  what: string;
  args: unknown[];
  signal: AbortSignal;
  answer(value: unknown): Promise<void>;
  fail(text: string): Promise<void>;
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

export class AskedHelp implements Help {
  tools = ["outline", "cutout", "superpixels", "track"];
  models: Help["models"] = [{ uid: "m", name: "Finder", asks: ["box", "point", "whole"] }];
  readonly waiting: Waiting[] = [];

  private ask(what: string, args: unknown[], signal: AbortSignal): Promise<never> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): Promise<void> => {
        this.waiting.splice(this.waiting.indexOf(one), 1);
        act();
        return settled();
      };
      const one: Waiting = { what, args, signal, answer: (value) => settle(() => resolve(value as never)), fail: (text) => settle(() => reject(new Error(text))) };
      this.waiting.push(one);
    });
  }

  outline = (...args: Parameters<Help["outline"]>) => this.ask("outline", args, args[4]);
  cutout = (...args: Parameters<Help["cutout"]>) => this.ask("cutout", args, args[5]);
  superpixels = (...args: Parameters<Help["superpixels"]>) => this.ask("superpixels", args, args[3]);
  track = (...args: Parameters<Help["track"]>) => this.ask("track", args, args[3]);
  model = (...args: Parameters<Help["model"]>) => this.ask("model", args, args[2]);

  /** The one question of this kind that waits and was not given up. */
  one(what: string): Waiting {
    const open = this.waiting.filter((w) => w.what === what && !w.signal.aborted);
    if (open.length !== 1) throw new Error(`${open.length} questions of ${what} wait`);
    return open[0];
  }
}
