// The selected tracks followed to later frames by the server, a few frames at a time; all of it is one step of undo.

import type { Shape } from "../geometry/kinds.ts";
import { type Keyframe, type LabelObject, same } from "../model/document.ts";
import { at, keyAt } from "../model/track.ts";
import type { Followed } from "../store/help.ts";
import { type Session, count } from "./session.ts";

/** Frames asked for at once: short enough for a progress that moves, long enough to be quick. */
const STRETCH = 20;
/** Tracks that the server follows at once. */
const MOST = 50;

interface Run {
  from: number;
  to: number;
  reached: number;
  controller: AbortController;
  /** What is followed, by the ids that the server is asked with. */
  shapes: ReadonlyMap<number, Shape>;
  /** Ids that tracks were given meanwhile: somebody else's new objects took theirs first. */
  renamed: Map<number, number>;
}

export class Follow {
  private run: Run | null = null;

  constructor(private readonly session: Session) {
    session.store.onRename((ids) => {
      for (const asked of this.run?.shapes.keys() ?? []) {
        const now = ids.get(this.run!.renamed.get(asked) ?? asked);
        if (now !== undefined) this.run!.renamed.set(asked, now);
      }
    });
  }

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
    const shapes = visible(session, from);
    if (!session.bench.help.tools.includes("track")) return session.say("This server cannot follow objects");
    if (!shapes.size) return session.say(session.mayEdit ? "Select tracks that are in this frame" : LOOKING);
    if (shapes.size > MOST) return session.say(`${MOST} tracks at most are followed at once; ${shapes.size} are selected`);
    if (to <= from) return session.say("This is the last frame");
    this.stop();
    const run: Run = { from, to, reached: from, controller: new AbortController(), shapes, renamed: new Map() };
    this.run = run;
    session.frames.pause();
    session.changed.emit();
    try {
      const found = await this.ask(run);
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
  private async ask(run: Run): Promise<Map<number, Followed>> {
    const found = new Map<number, Followed>([...run.shapes.keys()].map((id) => [id, { id, keyframes: [], lost: null }]));
    let now = run.shapes;
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
    let [done, changed] = [0, 0];
    if (!session.mayEdit) return session.say(LOOKING);
    session.undo.seal();
    session.bench.change((draft) => {
      for (const track of found.values()) {
        const object = session.store.get(run.renamed.get(track.id) ?? track.id);
        if (!track.keyframes.length) continue;
        // What was found holds for the shape that was asked about, and for no other.
        if (!object?.keyframes || !session.bench.editable(object.id) || !same(at(object, run.from)?.shape, run.shapes.get(track.id))) {
          changed++;
          continue;
        }
        draft.put(followed(object, run.from, track));
        done++;
      }
    });
    const left = changed ? `; ${count(changed, "track")} changed meanwhile, so left as ${changed > 1 ? "they are" : "it is"}` : "";
    const lost = [...found.values()].filter((track) => track.lost !== null);
    const last = Math.min(...lost.map((track) => track.lost!));
    const gone = lost.length ? `; ${count(lost.length, "track")} lost, the first in frame ${last + 1}` : "";
    const rest = gone + left;
    session.say(done ? `${count(done, "track")} followed to frame ${run.reached + 1}${rest}. Ctrl Z takes it back` : `Nothing could be followed${rest}`);
  }
}

const LOOKING = "You are looking only; nothing can be followed";

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
