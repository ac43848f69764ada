// How picture and objects look: light, opacity, colours, helpers.

import { html, type TemplateResult } from "lit";
import type { Settings } from "../store/settings.ts";
import { Panel, from } from "./panel.ts";

type NumberName = "brightness" | "contrast" | "gamma" | "opacity" | "stroke" | "brush" | "follow";
type FlagName = "crosshair" | "grid" | "snap" | "smooth" | "gaps" | "patterns" | "pressure" | "classDraws";

const SLIDERS: [NumberName, string, number, number, number][] = [
  ["brightness", "Brightness", 0.2, 3, 0.05], ["contrast", "Contrast", 0.2, 3, 0.05], ["gamma", "Gamma", 0.2, 4, 0.05],
  ["opacity", "Fill", 0, 0.9, 0.05], ["stroke", "Outline", 1, 6, 0.5], ["brush", "Brush, pixels", 1, 300, 1], ["follow", "Follow, frames", 1, 200, 1],
];
const FLAGS: [FlagName, string][] = [["crosshair", "Crosshair"], ["grid", "Grid"], ["snap", "Snap to neighbours"], ["gaps", "Gaps in semantic projects"], ["patterns", "Patterns in semantic projects"], ["smooth", "Smooth pixels when enlarged"], ["pressure", "A pen's pressure sizes the brush"], ["classDraws", "A class that is chosen is drawn at once"]];

const FINGERS: [Settings["fingers"], string][] = [["auto", "Draws, until there is a pen"], ["draw", "Draws"], ["move", "Moves the view"]];

export class LookPanel extends Panel {
  protected sources() {
    return from(this.session.settings.changed);
  }

  override render(): TemplateResult {
    const { settings } = this.session;
    return html`<div class="scroll look">
      <div class="section-head"><h2>View</h2><button class="quiet small" @click=${() => this.reset()}>Reset</button></div>
      ${SLIDERS.map(([name, label, low, high, step]) => html`<div class="field slider"><label for="look-${name}">${label}</label>
        <input id="look-${name}" type="range" min=${low} max=${high} step=${step} .value=${String(settings.get(name))} @input=${(e: Event) => settings.set(name, Number((e.target as HTMLInputElement).value))} />
        <output class="figure">${settings.get(name)}</output></div>`)}
      ${FLAGS.map(([name, label]) => html`<div class="field flag"><label for="look-${name}">${label}</label>
        <input id="look-${name}" type="checkbox" class="switch" .checked=${settings.get(name)} @change=${(e: Event) => settings.set(name, (e.target as HTMLInputElement).checked)} /></div>`)}
      ${this.choice("colorBy", "Colour by", [["class", "Class"], ["object", "Object"]])}
      ${this.choice("names", "Names", [["near", "At the pointer"], ["always", "Always"], ["never", "Never"]])}
      <div class="field"><label for="look-fingers">A finger</label><select id="look-fingers" @change=${(e: Event) => settings.set("fingers", (e.target as HTMLSelectElement).value as Settings["fingers"])}>
        ${FINGERS.map(([value, text]) => html`<option value=${value} ?selected=${settings.get("fingers") === value}>${text}</option>`)}</select></div>
      ${this.choice("theme", "Theme", [["dark", "Dark"], ["light", "Light"], ["system", "System"]])}
    </div>`;
  }

  private choice<K extends "colorBy" | "names" | "theme">(name: K, label: string, options: [Settings[K], string][]): TemplateResult {
    const { settings } = this.session;
    return html`<div class="field one_of"><label id="look-${name}">${label}</label><span class="segments" role="radiogroup" aria-labelledby="look-${name}">
      ${options.map(([value, text]) => html`<button role="radio" aria-checked=${settings.get(name) === value} @click=${() => settings.set(name, value)}>${text}</button>`)}</span></div>`;
  }

  private reset(): void {
    for (const [name] of SLIDERS) this.session.settings.reset(name);
    for (const [name] of FLAGS) this.session.settings.reset(name);
  }
}
