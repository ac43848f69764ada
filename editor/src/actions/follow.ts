// The selected tracks followed to later frames by the server, a few frames at a time; all of it is one step of undo.

import type { Shape } from "../geometry/kinds.ts";
import type { Keyframe, LabelObject } from "../model/document.ts";
import { at, keyAt } from "../model/track.ts";
import type { Followed } from "../store/help.ts";
import { type Session, count } from "./session.ts";

/** Frames asked for at once: short enough for a progress that moves, long enough to be quick. */
const STRETCH = 20;

interface Run {
  from: number;
  to: number;
  reached: number;
  controller: AbortController;
}

export class Follow {
  private run: Run | null = null;

  constructor(private readonly session: Session) {}

  /** What is being done, in words; null when nothing is. */
  get progress(): string | null {
    const { run } = this;
    return run && `Following: frame ${run.reached - run.from} of ${run.to - run.from}`;
  }

  /** Gives up; nothing is changed. True when there was something to give up. */
  stop(): boolean {
    const had = this.run !== null;
    this.run?.controller.abort();
    this.run = null;
    if (had) this.session.changed.emit();
    return had;
  }

  /** Follows the selected tracks from here to `last`. */
  async start(last: number): Promise<void> {
    const { session } = this;
    const from = session.bench.frame;
    const to = Math.min(last, session.frames.count - 1);
    const here = visible(session, from);
    if (!session.bench.help.tools.includes("track")) return session.say("This server cannot follow objects");
    if (!here.size) return session.say("Select tracks that are in this frame");
    if (to <= from) return session.say("This is the last frame");
    this.stop();
    const run: Run = { from, to, reached: from, controller: new AbortController() };
    this.run = run;
    session.frames.pause();
    session.changed.emit();
    try {
      const found = await this.ask(run, here);
      if (this.run !== run) return;
      this.run = null;
      this.put(run, found);
    } catch (error) {
      if (this.run !== run) return;
      this.run = null;
      session.say(`Nothing was changed: ${error instanceof Error ? error.message : String(error)}`);
    }
    session.changed.emit();
  }

  /** All keyframes found, stretch after stretch; what is lost is not looked for again. */
  private async ask(run: Run, here: Map<number, Shape>): Promise<Map<number, Followed>> {
    const found = new Map<number, Followed>([...here.keys()].map((id) => [id, { id, keyframes: [], lost: null }]));
    let now = here;
    while (run.reached < run.to && now.size) {
      const objects = [...now].map(([id, shape]) => ({ id, shape }));
      const { reached, tracks } = await this.session.bench.help.track(run.reached, Math.min(STRETCH, run.to - run.reached), objects, run.controller.signal);
      const next = new Map<number, Shape>();
      for (const track of tracks) {
        const all = found.get(track.id)!;
        all.keyframes.push(...track.keyframes.filter((key) => key.frame > run.reached));
        all.lost = track.lost;
        const end = track.keyframes.at(-1);
        if (track.lost === null && end?.shape) next.set(track.id, end.shape);
      }
      if (reached <= run.reached && next.size) throw new Error("The server did not get on");
      [run.reached, now] = [Math.max(reached, run.reached), next];
      this.session.changed.emit();
    }
    return found;
  }

  private put(run: Run, found: Map<number, Followed>): void {
    const { session } = this;
    let done = 0;
    session.undo.seal();
    session.store.change("user", (draft) => {
      for (const track of found.values()) {
        const object = session.store.get(track.id);
        if (!object?.keyframes || !track.keyframes.length || !session.bench.editable(track.id)) continue;
        draft.put(followed(object, run.from, track));
        done++;
      }
    });
    const lost = [...found.values()].filter((track) => track.lost !== null);
    const last = Math.min(...lost.map((track) => track.lost!));
    const gone = lost.length ? `; ${count(lost.length, "track")} lost, the first in frame ${last + 1}` : "";
    session.say(done ? `${count(done, "track")} followed to frame ${run.reached + 1}${gone}. Ctrl Z takes it back` : `Nothing could be followed${gone}`);
  }
}

/** The selected tracks that are in the frame and may be changed. */
function visible(session: Session, frame: number): Map<number, Shape> {
  const found = new Map<number, Shape>();
  for (const id of session.selection.ids) {
    const object = session.store.get(id);
    const seen = object?.keyframes && session.bench.editable(id) ? at(object, frame) : null;
    if (seen) found.set(id, seen.shape);
  }
  return found;
}

/** The track with what was found in place of its own keyframes in these frames; values set there stay. */
export function followed(object: LabelObject, from: number, track: Followed): LabelObject {
  const last = track.keyframes.at(-1)!.frame;
  const own = object.keyframes ?? [];
  const start = keyAt(object, from) ?? { frame: from };
  const begin: Keyframe = { ...start, shape: at(object, from)!.shape, outside: false };
  const valued = new Map(own.filter((key) => key.frame > from && key.frame <= last && key.attributes).map((key) => [key.frame, key.attributes]));
  const keys = new Map<number, Keyframe>(own.filter((key) => key.frame < from || key.frame > last).map((key) => [key.frame, key]));
  keys.set(from, begin);
  for (const key of track.keyframes) keys.set(key.frame, { frame: key.frame, shape: key.shape, attributes: valued.get(key.frame) });
  const changed = { ...object, keyframes: [...keys.values()].sort((a, b) => a.frame - b.frame) };
  // Values that were set at a frame without a keyframe now hold from there on all the same.
  for (const [frame, attributes] of valued) {
    if (!keys.has(frame)) keys.set(frame, { frame, shape: at(changed, frame)?.shape, attributes });
  }
  return { ...object, keyframes: [...keys.values()].sort((a, b) => a.frame - b.frame) };
}
