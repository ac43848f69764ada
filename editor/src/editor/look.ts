// How objects look: colours, strokes and names, from the classes and the person's settings.

import type { Bounds } from "../geometry/plane.ts";
import { type Ontology, PALETTE } from "../model/ontology.ts";
import { type Style, type View, note } from "../shapes/kind.ts";
import { patternFor } from "../shapes/patterns.ts";
import type { SettingsStore } from "../store/settings.ts";
import type { Store } from "../store/store.ts";

/** The fill pattern of a class; none outside of semantic projects and where colour alone is wanted. */
export function patternOf({ semantic, settings, ontology }: Pick<Look, "semantic" | "settings" | "ontology">, name: string): number | undefined {
  return semantic && settings.get("patterns") ? patternFor(ontology.place(name)) : undefined;
}

export class Look {
  background = "#101114";

  constructor(
    private readonly store: Store,
    readonly ontology: Ontology,
    readonly settings: SettingsStore,
    readonly semantic = false,
  ) {}

  get stroke(): number {
    return this.settings.get("stroke");
  }

  get smooth(): boolean {
    return this.settings.get("smooth");
  }

  get grid(): boolean {
    return this.settings.get("grid");
  }

  get named(): boolean {
    return this.settings.get("names") === "always";
  }

  color(id: number): string {
    if (this.settings.get("colorBy") === "object") return PALETTE[id % PALETTE.length];
    return this.ontology.color(this.store.get(id)?.class ?? "");
  }

  style(id: number, active = false): Style {
    const object = this.store.get(id);
    return {
      color: this.color(id),
      opacity: this.settings.get("opacity"),
      width: this.stroke,
      dash: object?.source === "model" && !active ? [7, 4] : undefined,
      pattern: patternOf(this, object?.class ?? ""),
      template: this.ontology.find(object?.class ?? "")?.skeleton,
      active,
    };
  }

  /** The object's class and number on a plate at its upper left corner. */
  name(canvas: CanvasRenderingContext2D, view: View, id: number, b: Bounds, more = ""): void {
    const object = this.store.get(id);
    if (!object) return;
    const text = `${this.ontology.label(object.class)} ${id}${more ? `  ${more}` : ""}`;
    canvas.font = "600 11px system-ui, sans-serif";
    const width = canvas.measureText(text).width + 12;
    const x = Math.max(4, view.x(b.x1));
    const y = Math.max(22, view.y(b.y1) - 4);
    canvas.fillStyle = "#15171bd9";
    canvas.beginPath();
    canvas.roundRect(x, y - 18, width + 10, 18, 4);
    canvas.fill();
    canvas.fillStyle = this.color(id);
    canvas.beginPath();
    canvas.roundRect(x + 5, y - 13, 8, 8, 2);
    canvas.fill();
    canvas.fillStyle = "#f2f4f8";
    canvas.textBaseline = "middle";
    canvas.fillText(text, x + 17, y - 8.5);
    canvas.textBaseline = "alphabetic";
  }

  note(canvas: CanvasRenderingContext2D, text: string, x: number, y: number): void {
    note(canvas, text, x, y);
  }
}
