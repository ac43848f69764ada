// What differs from an earlier state of the document, drawn over the present one: what is gone, what was elsewhere, what
// is new.

import type { Shape } from "../geometry/kinds.ts";
import { type LabelObject, same } from "../model/document.ts";
import { at } from "../model/track.ts";
import { kindOf } from "../shapes/index.ts";
import type { View } from "../shapes/kind.ts";
import type { Scene } from "./scene.ts";

const GONE = "#ff5a5f";
const NEW = "#3ddc84";
const BEFORE = "#ffffff";

export interface Differences {
  gone: Shape[];
  before: Shape[];
  added: number[];
}

/** Differences of what is seen at the present frame from those objects. */
export function differences(then: ReadonlyMap<number, LabelObject>, scene: Scene): Differences {
  const found: Differences = { gone: [], before: [], added: [] };
  for (const [id, object] of then) {
    const was = at(object, scene.frame)?.shape;
    const is = scene.shapeOf(id);
    if (was && !is) found.gone.push(was);
    else if (was && is && !same(was, is)) found.before.push(was);
    else if (!was && is) found.added.push(id);
  }
  for (const id of scene.ids) if (!then.has(id)) found.added.push(id);
  return found;
}

export function drawDifferences(canvas: CanvasRenderingContext2D, view: View, found: Differences, scene: Scene): void {
  const draw = (shape: Shape, color: string, dash: number[]): void => {
    kindOf(shape).draw(shape, canvas, view, { color: "#000000", opacity: 0, width: 5 });
    kindOf(shape).draw(shape, canvas, view, { color, opacity: shape.type === "mask" ? 0.15 : 0, width: 2.5, dash });
  };
  for (const shape of found.gone) draw(shape, GONE, [8, 4]);
  for (const shape of found.before) draw(shape, BEFORE, [3, 4]);
  for (const id of found.added) draw(scene.shapeOf(id)!, NEW, []);
}
