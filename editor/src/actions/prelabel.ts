// The whole picture asked of a model: what it finds becomes objects, in one step of undo.

import type { Model } from "../store/help.ts";
import { type Session, count } from "./session.ts";

export class Prelabel {
  private controller: AbortController | null = null;
  /** Name of the model that is looking. */
  private asked: string | null = null;

  constructor(private readonly session: Session) {}

  /** The model that is asked: the one chosen, where it takes whole pictures; null when none of this project's takes whole pictures. */
  get model(): Model | null {
    return this.session.bench.modelFor("whole") ?? null;
  }

  /** What is being done, in words; null when nothing is. */
  get progress(): string | null {
    return this.asked && `${this.asked} is looking at the picture`;
  }

  stop(): boolean {
    const had = this.controller !== null;
    this.controller?.abort();
    this.controller = this.asked = null;
    if (had) this.session.changed.emit();
    return had;
  }

  async start(): Promise<void> {
    const { session, model } = this;
    if (!model) return session.say("This project has no model to ask");
    this.stop();
    const controller = new AbortController();
    [this.controller, this.asked] = [controller, model.name];
    session.changed.emit();
    try {
      const { objects, refused } = await session.bench.help.model(model.uid, { ask: "whole", frame: session.bench.frame }, controller.signal);
      if (this.controller !== controller) return;
      session.undo.seal();
      const made = session.bench.take(objects).length;
      const rest = refused.length ? `; ${count(refused.length, "object")} refused: ${refused[0].message}` : "";
      session.say(`${model.name} found ${count(made, "object")}${rest}${made ? ". Ctrl Z takes it back" : ""}`);
    } catch (error) {
      if (this.controller !== controller) return;
      session.say(error instanceof Error ? error.message : String(error));
    }
    this.controller = this.asked = null;
    session.changed.emit();
  }
}
