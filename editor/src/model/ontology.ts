// The project's classes and attributes, looked up by name, and what is still missing before work can be submitted.

import type { Shape, ShapeType } from "../geometry/kinds.ts";
import { type Attributes, type Document, type LabelObject, isEmpty } from "./document.ts";
import type { Attribute, LabelClass, Work } from "./work.ts";

/** Distinguishable colours; the first eight also for colour-blind eyes. Used where a class has none. */
export const PALETTE = [
  "#4e9af1", "#e69f00", "#2fb58a", "#e06bb0", "#f0e442", "#d55e00", "#9d8df1", "#7fd3f7",
  "#8bc34a", "#ff7f7f", "#c9a27b", "#26c6da", "#b0bec5", "#f48fb1", "#a1c935", "#ffb74d",
];

export class Ontology {
  readonly classes: LabelClass[];
  readonly attributes: Attribute[];
  private readonly fixed: ReadonlySet<string>;
  private readonly mine: ReadonlySet<string> | null;
  private readonly byName = new Map<string, LabelClass>();
  private readonly places = new Map<string, number>();

  constructor(work: Pick<Work, "ontology" | "job"> & { task: Pick<Work["task"], "stage"> }) {
    const allowed = work.job.allowed_classes;
    const all = work.ontology.classes.map((c, i) => ({ ...c, color: c.color || PALETTE[i % PALETTE.length] }));
    for (const c of all) {
      this.places.set(c.name, this.places.size);
      this.byName.set(c.name, c);
    }
    this.classes = allowed ? all.filter((c) => allowed.includes(c.name)) : all;
    const permitted = work.job.allowed_attributes;
    this.attributes = work.ontology.attributes.filter((a) => !permitted || permitted.includes(a.name));
    this.fixed = new Set(work.task.stage === "label" ? work.job.read_only_attributes : []);
    this.mine = allowed ? new Set(allowed) : null;
  }

  /** Does the job take the class? Objects of other classes are shown and stay as they are. */
  allows(name: string): boolean {
    return !this.mine || this.mine.has(name);
  }

  /** May the value only be read here? */
  readOnly(attribute: Attribute): boolean {
    return this.fixed.has(attribute.name);
  }

  find(name: string): LabelClass | undefined {
    return this.byName.get(name);
  }

  label(name: string): string {
    return this.byName.get(name)?.display_name || name;
  }

  color(name: string): string {
    return this.byName.get(name)?.color ?? "#b0bec5";
  }

  /** The class's place among the project's, from 0; after all of them where it is none of them. */
  place(name: string): number {
    return this.places.get(name) ?? this.places.size;
  }

  /** Can objects of the class get this kind of shape? A class that names none takes all; skeletons need a template. */
  takes(name: string, kind: ShapeType): boolean {
    const found = this.byName.get(name);
    if (kind === "skeleton" && !found?.skeleton) return false;
    return !found?.shapes?.length || found.shapes.includes(kind);
  }

  /** Can objects of the class have this very shape? A skeleton must have the points of the class's template. */
  fits(name: string, shape: Shape | null | undefined): boolean {
    if (!shape) return true;
    return this.takes(name, shape.type) && (shape.type !== "skeleton" || this.byName.get(name)!.skeleton!.points.length === shape.visibility.length);
  }

  /** Attributes that apply to objects of the class. */
  forClass(name: string): Attribute[] {
    return this.attributes.filter((a) => a.scope === "object" && (!a.classes || a.classes.includes(name)));
  }

  forItem(): Attribute[] {
    return this.attributes.filter((a) => a.scope === "item");
  }

  forFrame(): Attribute[] {
    return this.attributes.filter((a) => a.scope === "frame");
  }

  /** Values a new object starts with. */
  defaults(name: string): Attributes {
    return Object.fromEntries(
      this.forClass(name).filter((a) => !isEmpty(a.default) && !this.readOnly(a)).map((a) => [a.name, a.default!]),
    );
  }
}

/** Something to do before submitting; `object`, `frame` and `attribute` say where to jump. */
export interface Missing {
  text: string;
  object?: number;
  frame?: number;
  attribute?: string;
  /** Pixels without a class: may be left so. */
  gap?: true;
}

const nameOf = (a: Attribute): string => a.display_name || a.name;

/** What the ontology and the job ask for and the document does not have. `frames`: of a video, else 0. */
export function missing(ontology: Ontology, limits: Work["job"]["limits"], labels: Omit<Document, "version">, frames: number): Missing[] {
  const found: Missing[] = [];
  const item = labels.attributes ?? {};
  for (const a of ontology.forItem()) {
    if (a.required && isEmpty(item[a.name])) found.push({ text: `${nameOf(a)} is required for the item`, attribute: a.name });
  }
  for (const a of ontology.forFrame()) if (a.required) found.push(...ofFrames(a, labels.frames ?? {}, frames));
  for (const object of labels.objects) found.push(...ofObject(ontology, object));
  if (limits.objects && labels.objects.length > limits.objects) found.push({ text: `${labels.objects.length} objects; this job allows ${limits.objects}` });
  const values = Object.values(item).filter((value) => !isEmpty(value)).length;
  if (limits.tags && values > limits.tags) found.push({ text: `${values} values on the item; this job allows ${limits.tags}` });
  return found;
}

/** One line for all frames that have no value, leading to the first. */
function ofFrames(a: Attribute, values: Record<string, Attributes>, frames: number): Missing[] {
  const bare = Array.from({ length: frames }, (_, frame) => frame).filter((frame) => isEmpty(values[String(frame)]?.[a.name]));
  if (!bare.length) return [];
  const more = bare.length > 1 ? ` and ${bare.length - 1} more` : "";
  return [{ text: `${nameOf(a)} is required for frame ${bare[0] + 1}${more}`, frame: bare[0], attribute: a.name }];
}

/** A required value counts wherever in a track it is set. */
function ofObject(ontology: Ontology, object: LabelObject): Missing[] {
  const frame = object.keyframes?.[0]?.frame;
  if (!ontology.find(object.class)) return [{ text: `Object ${object.id} has the unknown class ${object.class}`, object: object.id, frame }];
  const states = [object.attributes ?? {}, ...(object.keyframes ?? []).map((key) => key.attributes ?? {})];
  const asked = ontology.allows(object.class) ? ontology.forClass(object.class).filter((a) => a.required) : [];
  return asked
    .filter((a) => states.every((values) => isEmpty(values[a.name])))
    .map((a) => ({ text: `${ontology.label(object.class)} ${object.id}: ${nameOf(a)} is required`, object: object.id, frame, attribute: a.name }));
}
