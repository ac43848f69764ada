// How a person likes the editor: kept in this browser, never sent.

import { Emitter } from "./emitter.ts";

export interface Settings {
  theme: "system" | "dark" | "light";
  opacity: number;
  stroke: number;
  colorBy: "class" | "object";
  names: "near" | "always" | "never";
  crosshair: boolean;
  grid: boolean;
  brightness: number;
  contrast: number;
  gamma: number;
  smooth: boolean;
  snap: boolean;
  gaps: boolean;
  /** In semantic projects masks are filled with a pattern of their class, too. */
  patterns: boolean;
  panel: boolean;
  brush: number;
  /** A pen's pressure makes the brush smaller or larger. */
  pressure: boolean;
  /** What one finger does on the picture; `auto`: draw, until a pen has been used on this device. */
  fingers: "auto" | "draw" | "move";
  /** A pen has been used on this device. */
  penSeen: boolean;
  /** Height of the timeline in pixels. */
  timeline: number;
  /** The user's own model that is asked, by its uid; empty: the first that fits. */
  model: string;
  /** Frames that objects are followed at once. */
  follow: number;
  /** With nothing selected, a class that is chosen takes its tool, too. */
  classDraws: boolean;
  shortcuts: Record<string, string[]>;
  hintsSeen: string[];
}

const DEFAULTS: Settings = {
  theme: "dark",
  opacity: 0.2,
  stroke: 2,
  colorBy: "class",
  names: "near",
  crosshair: false,
  grid: false,
  brightness: 1,
  contrast: 1,
  gamma: 1,
  smooth: true,
  snap: true,
  gaps: true,
  patterns: true,
  panel: true,
  brush: 24,
  pressure: true,
  fingers: "auto",
  penSeen: false,
  timeline: 168,
  model: "",
  follow: 20,
  classDraws: false,
  shortcuts: {},
  hintsSeen: [],
};

const KEY = "labelwright.editor";

export class SettingsStore {
  readonly changed = new Emitter<keyof Settings>();
  private values: Settings;

  constructor(private readonly storage: Pick<Storage, "getItem" | "setItem"> | null) {
    this.values = { ...DEFAULTS, ...read(storage) };
  }

  get<K extends keyof Settings>(name: K): Settings[K] {
    return this.values[name];
  }

  set<K extends keyof Settings>(name: K, value: Settings[K]): void {
    this.values = { ...this.values, [name]: value };
    try {
      this.storage?.setItem(KEY, JSON.stringify(this.values));
    } catch {
      // A full or forbidden storage loses the preference, not the work.
    }
    this.changed.emit(name);
  }

  reset<K extends keyof Settings>(name: K): void {
    this.set(name, DEFAULTS[name]);
  }
}

function read(storage: Pick<Storage, "getItem"> | null): Partial<Settings> {
  try {
    return JSON.parse(storage?.getItem(KEY) ?? "{}") as Partial<Settings>;
  } catch {
    return {};
  }
}
