// Pixels without a class: what is told of them before a semantic picture or video is handed in.

import { coverageOf, uncovered } from "../geometry/coverage.ts";
import { decodedSpans } from "../geometry/spans.ts";
import type { LabelObject } from "../model/document.ts";
import type { Missing } from "../model/ontology.ts";
import { at } from "../model/track.ts";
import { count, type Session } from "./session.ts";

/** Frames that are listed, at most. */
const MOST = 100;
/** Milliseconds of looking through a video, at most, and those after which the person is told of it. */
const BUDGET = 10_000;
const QUIET = 300;

/** What has no class, a line each frame; of videos the frames that were written, the first, and the present one. */
export async function gapsIn(session: Session): Promise<Missing[]> {
  const { bench, frames, store } = session;
  if (!bench.gaps || bench.size.x <= 1) return [];
  const listed = (pixels: number, where: string): string => `${count(pixels, "pixel")} without a class${where}`;
  if (frames.count === 1) {
    bench.gaps.look();
    return bench.gaps.count ? [{ text: listed(bench.gaps.count, ""), gap: true }] : [];
  }
  const found: Missing[] = [];
  const begun = performance.now();
  let told = false;
  for (const frame of written(store.objects, [0, bench.frame], frames.count)) {
    const spent = performance.now() - begun;
    if (found.length === MOST || spent > BUDGET) {
      found.push({ text: `Frames from ${frame + 1} on were not looked at for pixels without a class`, frame, gap: true });
      break;
    }
    if (spent > QUIET && !told) session.say("Looking for pixels without a class");
    told ||= spent > QUIET;
    const shapes = [...store.objects].flatMap((object) => at(object, frame)?.shape ?? []);
    const pixels = uncovered(coverageOf(shapes, bench.size, decodedSpans));
    if (pixels) found.push({ text: listed(pixels, ` in frame ${frame + 1}`), frame, gap: true });
    await new Promise((resolve) => setTimeout(resolve));
  }
  return found;
}

/** Frames with keyframes, and `others`, in order. */
function written(objects: Iterable<LabelObject>, others: number[], frames: number): number[] {
  const all = new Set(others);
  for (const { keyframes } of objects) for (const { frame } of keyframes ?? []) if (frame < frames) all.add(frame);
  return [...all].sort((a, b) => a - b);
}
