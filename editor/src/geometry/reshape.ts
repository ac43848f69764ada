// A piece of an outline drawn anew: from one place on it to another.

import { type Flat, type Metric, type Point, distance, pointAt } from "./plane.ts";
import { apart, nearestEdge } from "./polygon.ts";

/** A place on a chain of points: on the edge after vertex `index`. */
export interface Place {
  index: number;
  point: Point;
}

/** The place on a chain that is nearest to `p`; null when none is within `reach` screen pixels. */
export function placeOn(points: Flat, closed: boolean, p: Point, m: Metric, reach: number): Place | null {
  const edge = nearestEdge(p, points, closed, m);
  return edge && edge.distance <= reach ? edge : null;
}

const flat = (point: Point): Flat => [point.x, point.y];

function length(points: Flat, m: Metric): number {
  let sum = 0;
  for (let i = 1; i < points.length / 2; i++) sum += distance(pointAt(points, i - 1), pointAt(points, i), m);
  return sum;
}

function reversed(points: Flat): Flat {
  return Array.from({ length: points.length / 2 }, (_, i) => pointAt(points, points.length / 2 - 1 - i)).flatMap(flat);
}

/** Vertices met on the way along a ring from one place to another, onwards. */
function onwards(ring: Flat, from: Place, to: Place, m: Metric): Flat {
  const count = ring.length / 2;
  const along = ({ index, point }: Place): number => distance(pointAt(ring, index), point, m);
  const around = from.index === to.index && along(to) < along(from) ? count : (to.index - from.index + count) % count;
  return Array.from({ length: around }, (_, i) => pointAt(ring, (from.index + 1 + i) % count)).flatMap(flat);
}

/** The ring with the shorter stretch between two places on it (`longer`: the other one) replaced by `path`, the points
 * between the two. Lengths are those on the screen. */
export function ringRedrawn(ring: Flat, from: Place, path: Flat, to: Place, m: Metric, longer = false): Flat {
  const [ahead, behind] = [onwards(ring, from, to, m), onwards(ring, to, from, m)];
  const lengths = [[...flat(from.point), ...ahead, ...flat(to.point)], [...flat(to.point), ...behind, ...flat(from.point)]].map((way) => length(way, m));
  const drawn = [...flat(from.point), ...path, ...flat(to.point)];
  // The direction of the ring stays.
  const kept = lengths[0] <= lengths[1] !== longer ? [...drawn, ...behind] : [...reversed(drawn), ...ahead];
  return apart(kept, true);
}

/** The line with the stretch between two places on it replaced by `path`; without `to` its shorter end (`longer`: the other
 * one) gives way to `path`, so that a path from its last point makes it longer. */
export function lineRedrawn(line: Flat, from: Place, path: Flat, to: Place | null, m: Metric, longer = false): Flat {
  const until = ({ index, point }: Place): Flat => [...line.slice(0, 2 * index + 2), ...flat(point)];
  const after = ({ index, point }: Place): Flat => [...flat(point), ...line.slice(2 * index + 2)];
  if (!to) {
    const tail = length(after(from), m) <= length(until(from), m);
    return apart(tail !== longer ? [...until(from), ...path] : [...reversed(path), ...after(from)], false);
  }
  const forward = from.index < to.index || (from.index === to.index && length(until(from), m) <= length(until(to), m));
  return apart(forward ? [...until(from), ...path, ...after(to)] : [...until(to), ...reversed(path), ...after(from)], false);
}
