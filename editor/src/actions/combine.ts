// Objects put together, cut out of each other, changed into another kind of shape, and grouped.

import { partsOf, subtract, toBox, toMask, toPolygon, unite, withPixels } from "../geometry/areas.ts";
import type { Mask, Shape, ShapeType } from "../geometry/kinds.ts";
import type { LabelObject } from "../model/document.ts";
import { withShape } from "../model/track.ts";
import { kindLabel } from "../shapes/index.ts";
import { type Session, count } from "./session.ts";

interface Chosen {
  object: LabelObject;
  shape: Shape;
}

const chosen = (s: Session): Chosen[] =>
  [...s.selection.ids].filter((id) => s.bench.editable(id)).flatMap((id) => {
    const shape = s.bench.shapeOf(id);
    return shape ? [{ object: s.store.get(id)!, shape }] : [];
  });

/** The selected areas as one: the first keeps its class and values, the others go. */
export function uniteSelected(s: Session): void {
  const all = chosen(s);
  if (all.length < 2) return s.say("Select two or more areas to unite");
  const shape = all.every((c) => c.shape.type === "mask") ? unitedMasks(all) : unitedPolygons(all);
  if (!shape) return s.say("Only areas can be united: boxes, polygons and masks");
  s.bench.change((draft) => {
    draft.put(withShape(all[0].object, s.bench.frame, shape));
    for (const { object } of all.slice(1)) draft.delete(object.id);
  });
  s.selection.set([all[0].object.id]);
}

const unitedMasks = (all: Chosen[]): Shape | null => all.slice(1).reduce<Mask | null>((mask, c) => withPixels(mask, c.shape as Mask, 1), all[0].shape as Mask);

function unitedPolygons(all: Chosen[]): Shape | null {
  const areas = all.map((c) => partsOf(c.shape));
  return areas.every((a) => a !== null) ? { type: "polygon", parts: unite(areas) } : null;
}

/** Cuts the objects selected after the first one out of the first; they stay as they are. */
export function subtractSelected(s: Session): void {
  const [first, ...others] = chosen(s);
  const cut = others.map((c) => partsOf(c.shape));
  const from = first && partsOf(first.shape);
  if (!from || !cut.length || cut.some((a) => a === null)) return s.say("Select the area to cut from, then with Shift the areas to cut out");
  const shape = first.shape.type === "mask" ? cutMask(first.shape, others) : { type: "polygon" as const, parts: subtract(from, cut.filter((a) => a !== null)) };
  if (!shape || (shape.type === "polygon" && !shape.parts.length)) return s.say("Nothing would be left of it");
  s.bench.update(new Map([[first.object.id, shape]]));
}

const cutMask = (mask: Mask, others: Chosen[]): Mask | null =>
  others.reduce<Mask | null>((left, c) => {
    const pixels = toMask(c.shape, mask.size);
    return left && pixels ? withPixels(left, pixels, 0) : left;
  }, mask);

const CHANGES: Partial<Record<ShapeType, (shape: Shape, s: Session) => Shape | null>> = {
  rectangle: toBox,
  polygon: (shape, s) => toPolygon(shape, s.bench.size),
  mask: (shape, s) => toMask(shape, [s.bench.size.x, s.bench.size.y]),
};

/** Changes the selected objects' shapes into another kind, where the shape and the class allow it. */
export function convertSelected(s: Session, kind: "rectangle" | "polygon" | "mask"): void {
  const made = new Map<number, Shape>();
  let kept = 0;
  for (const { object, shape } of chosen(s)) {
    const changed = s.ontology.takes(object.class, kind) && shape.type !== kind ? CHANGES[kind]!(shape, s) : null;
    if (changed) made.set(object.id, changed);
    else kept++;
  }
  s.bench.update(made);
  if (kept) s.say(`${count(kept, "object")} cannot become a ${kindLabel(kind).toLowerCase()}`);
}

/** Joins the selected objects into a group; objects that are one already are taken out of it. */
export function toggleGroup(s: Session): void {
  const objects = chosen(s).map((c) => c.object);
  const one = objects[0]?.group;
  const together = one != null && objects.every((o) => o.group === one);
  const group = together ? null : Math.max(0, ...[...s.store.objects].map((o) => o.group ?? 0)) + 1;
  if (objects.length < 2 && !together) return s.say("Select two or more objects to group");
  s.store.change("user", (draft) => objects.forEach((o) => draft.put({ ...o, group })));
  s.say(together ? "Taken out of the group" : `Group of ${count(objects.length, "object")}`);
}

/** Selects everything that is grouped with the selected objects. */
export function selectGroup(s: Session): void {
  const groups = new Set([...s.selection.ids].map((id) => s.store.get(id)!.group ?? 0).filter((group) => group > 0));
  if (groups.size) s.selection.set([...s.bench.scene.ids].filter((id) => groups.has(s.store.get(id)!.group ?? 0)));
}
