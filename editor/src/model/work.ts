// One task's work as `GET /api/v1/tasks/{uid}/work` gives it.

import type { AttributeValue, Attributes, Document, LabelObject } from "./document.ts";
import type { ShapeType } from "../geometry/kinds.ts";

export interface SkeletonTemplate {
  points: { name: string; x: number; y: number }[];
  edges: [number, number][];
}

export interface LabelClass {
  name: string;
  display_name?: string;
  shapes?: ShapeType[];
  color: string;
  hotkey?: string;
  skeleton?: SkeletonTemplate | null;
}

export interface Attribute {
  name: string;
  display_name?: string;
  kind: "flag" | "text" | "number" | "one_of" | "many_of";
  scope: "item" | "object" | "frame";
  classes?: string[] | null;
  options?: string[];
  required?: boolean;
  mutable?: boolean;
  default?: AttributeValue;
}

export interface Person {
  uid: string;
  name: string;
  email: string;
}

export const personName = (person: Person | null): string => person?.name || person?.email || "Somebody";

export interface Comment {
  uid: string;
  author: Person | null;
  body: string;
  reason?: string;
  object_id?: number | null;
  frame?: number | null;
  x?: number | null;
  y?: number | null;
  resolved?: boolean;
  created_at: string;
  parent?: string | null;
}

export interface FrameMedia {
  index: number;
  frame_id: string | null;
  url: string | null;
  /** A smaller copy of a large picture. */
  small?: string | null;
  width?: number | null;
  height?: number | null;
}

export interface Work {
  task: {
    uid: string;
    stage: "label" | "review" | "end";
    state: string;
    step: string;
    step_name: string;
    lease: string | null;
    lease_until: string | null;
    holder: Person | null;
    author: Person | null;
    priority: number;
    returned: number;
    seconds: number;
    position?: number | null;
    total?: number | null;
  };
  project: { uid: string; name: string; slug: string; kind: "image" | "video"; instructions: string; reasons: string[]; semantic: boolean };
  job: { uid: string; name: string; instructions: string; allowed_classes: string[] | null; allowed_attributes: string[] | null; read_only_attributes: string[]; limits: { objects?: number | null; tags?: number | null } };
  item: {
    uid: string;
    name: string;
    kind: "image" | "video";
    width: number | null;
    height: number | null;
    frame_count: number;
    media_state: string;
    media_error: string;
    /** `tiles`: of a very large picture, where its tiles are and which is where. */
    media: { url: string; mime: string; tiles?: { pack: string; index: string } | null } | null;
    frames: FrameMedia[];
    /** Of a video file: where to learn when each frame is shown. */
    frame_times?: string | null;
    references: { label: string | null; url: string | null; frame: number | null }[];
  };
  ontology: { classes: LabelClass[]; attributes: Attribute[] };
  document: Document;
  comments: Comment[];
  /** What helps while drawing: names of tools, and models of the user's. */
  help: { tools: string[]; models: { uid: string; name: string; asks: ("box" | "point" | "whole")[] }[] };
  /** `lock`: may lock objects for everybody who may not review. */
  can: { edit: boolean; submit: boolean; review: boolean; lock: boolean };
}

/** What one save sends. `attributes` and `frames` replace the whole when given. */
export interface Save {
  base: number;
  save_id: string;
  lease?: string | null;
  put: LabelObject[];
  delete: number[];
  attributes?: Attributes;
  frames?: Record<string, Attributes>;
}

/** What the server answers to a save. */
export interface Saved {
  version: number;
  renamed: Record<string, number>;
  merged: LabelObject[];
  deleted: number[];
  /** Given when others have changed them. */
  attributes?: Attributes;
  frames?: Record<string, Attributes>;
}

/** One object that both sides have changed. */
export interface Clash {
  object_id: number;
  base: LabelObject | null;
  yours: LabelObject | null;
  theirs: LabelObject | null;
}

export interface Problem {
  object_id?: number | null;
  field: string;
  message: string;
  code: string;
}
