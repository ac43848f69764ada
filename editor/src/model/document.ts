// The document: the labels of one item, as the server stores and speaks them.

import type { Shape } from "../geometry/kinds.ts";

export type AttributeValue = boolean | number | string | string[] | null;
export type Attributes = Record<string, AttributeValue>;
export type Source = "human" | "model" | "import";

/** An object's state from `frame` on; `outside`: not in the picture until the next keyframe. */
export interface Keyframe {
  frame: number;
  shape?: Shape | null;
  attributes?: Attributes;
  outside?: boolean;
  extra?: Record<string, unknown> | null;
}

/** One labeled thing: one shape, or keyframes sorted by frame (a track). */
export interface LabelObject {
  id: number;
  class: string;
  shape?: Shape | null;
  keyframes?: Keyframe[] | null;
  attributes?: Attributes;
  /** Left out for people's own, as the server leaves it out: what comes back must equal what was sent. */
  source?: Exclude<Source, "human">;
  score?: number | null;
  locked?: boolean;
  group?: number | null;
  extra?: Record<string, unknown> | null;
}

export interface Document {
  version: number;
  /** These are the labels that the asker has already; they are left out. */
  unchanged?: boolean;
  objects: LabelObject[];
  attributes?: Attributes;
  frames?: Record<string, Attributes>;
}

/** Equal as JSON, whatever the order of keys; a missing key equals null, {} and false, as the server leaves them out. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (blank(a) || blank(b)) return blank(a) && blank(b);
  if (typeof a !== "object" || typeof b !== "object") return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((v, i) => v === b[i] || (!blank(v) && same(v, b[i])));
  }
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) => same(left[key], right[key]));
}

function blank(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return true;
  return typeof value === "object" && !Array.isArray(value) && Object.keys(value).length === 0;
}

/** Sets or (with null, "" or []) removes one value. */
export function withValue(attributes: Attributes | undefined, name: string, value: AttributeValue): Attributes {
  const { [name]: _, ...rest } = attributes ?? {};
  return isEmpty(value) ? rest : { ...rest, [name]: value };
}

export const isEmpty = (value: AttributeValue | undefined): boolean =>
  value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
