// The whole picture asked of a model: what it finds becomes objects, in one step of undo.

import type { Model } from "../store/help.ts";
import { type Session, count } from "./session.ts";

export class Prelabel {
  /** The model that is looking, and how to give it up. */
  private asked: { name: string; controller: AbortController } | null = null;

  constructor(private readonly session: Session) {
    // What is found would be put into the frame that is shown then.
    session.bench.framed.on(() => {
      if (this.stop()) session.say("The model was not waited for: this is another frame");
    });
  }

  /** The model that is asked: the one chosen, where it takes whole pictures; null when none of this project's takes whole pictures. */
  get model(): Model | null {
    return this.session.bench.modelFor("whole") ?? null;
  }

  /** What is being done, in words; null when nothing is. */
  get progress(): string | null {
    return this.asked && `${this.asked.name} is looking at the picture`;
  }

  /** Why so many of the things found could not be taken. */
  private leftOut(left: number): string {
    const { session } = this;
    const { objects } = session.bench.parts.limits;
    if (!session.mayEdit) return `${left} not taken: you are looking only`;
    if (objects && session.store.size >= objects) return `${left} more than the ${count(objects, "object")} that this job allows`;
    return `${left} not taken: other objects have their pixels`;
  }

  /** Gives up; nothing is changed. True when there was something to give up. */
  stop(): boolean {
    const had = this.asked !== null;
    this.asked?.controller.abort();
    this.asked = null;
    if (had) this.session.changed.emit();
    return had;
  }

  async start(): Promise<void> {
    const { session, model } = this;
    if (!model) return session.say("This project has no model to ask");
    this.stop();
    const asked = { name: model.name, controller: new AbortController() };
    this.asked = asked;
    session.frames.pause();
    session.changed.emit();
    try {
      const { objects, refused } = await session.bench.help.model(model.uid, { ask: "whole", frame: session.bench.frame }, asked.controller.signal);
      if (this.asked !== asked) return;
      session.undo.seal();
      const made = session.bench.take(objects).length;
      const left = made < objects.length ? `; ${this.leftOut(objects.length - made)}` : "";
      const rest = refused.length ? `; ${count(refused.length, "object")} refused: ${refused[0].message.replace(/\.$/, "")}` : "";
      session.say(`${model.name} found ${count(made, "object")}${left}${rest}${made ? ". Ctrl Z takes it back" : ""}`);
    } catch (error) {
      if (this.asked !== asked) return;
      session.say(error instanceof Error ? error.message : String(error));
    }
    this.asked = null;
    session.changed.emit();
  }
}
