// The bottom line: what to do next with the tool in hand, where the pointer is, how large the picture is shown.

import { html, nothing, type TemplateResult } from "lit";
import { Panel, from } from "./panel.ts";

export class StatusBar extends Panel {
  private place = "";

  protected sources() {
    const { session } = this;
    const { gaps } = session.bench;
    return from(...(gaps ? [gaps.changed] : []), session.settings.changed, session.bench.changed, session.bench.camera.changed, session.selection.changed, session.changed);
  }

  /** The pointer's place in the picture's pixels. */
  showPlace(x: number, y: number): void {
    const { size } = this.session.bench;
    const inside = x >= 0 && y >= 0 && x <= 1 && y <= 1;
    const text = inside ? `${Math.floor(x * size.x)}, ${Math.floor(y * size.y)}` : "";
    if (text === this.place) return;
    this.place = text;
    // Straight into its element: the pointer moves far more often than anything else here changes.
    const output = this.querySelector(".place");
    if (output) output.textContent = text;
  }

  override render(): TemplateResult {
    const { session } = this;
    const { size, camera, gaps } = session.bench;
    const hint = session.talk.pinning ? "Click the place that the comment is about" : session.mayEdit ? session.bench.tool.hint() : session.looking || "Looking only";
    const { models } = session.bench.help;
    const asked = session.settings.get("model");
    return html`
      <span class="tool-state" data-state=${session.bench.tool.state} data-tool=${session.bench.toolId}>${session.bench.toolSpec.label}</span>
      <span class="hint">${hint}</span>
      <span class="spacer"></span>
      ${models.length > 1 && session.mayEdit ? html`<label class="model">Model <select @change=${(e: Event) => session.settings.set("model", (e.target as HTMLSelectElement).value)}>${models.map((m) => html`<option value=${m.uid} ?selected=${m.uid === asked}>${m.name}</option>`)}</select></label>` : nothing}
      ${gaps ? html`<button class="quiet small gaps" title="Next gap without a class (Alt J)" @click=${() => session.nextGap()}>${gaps.count ? `${gaps.count.toLocaleString("en")} px without a class` : "Every pixel has a class"}</button>` : nothing}
      <span class="figure place" aria-hidden="true"></span>
      <span class="figure muted wide">${size.x > 1 ? `${size.x} × ${size.y}` : ""}</span>
      <span class="zoom"><button class="quiet square" aria-label="Zoom out" @click=${() => this.zoom(0.8)}>−</button>
        <button class="quiet figure" title="Fit the picture (0)" @click=${() => camera.fit()}>${Math.round(camera.zoom * 100)}%</button>
        <button class="quiet square" aria-label="Zoom in" @click=${() => this.zoom(1.25)}>+</button></span>`;
  }

  private zoom(factor: number): void {
    const { camera } = this.session.bench;
    camera.zoomAt(camera.width / 2, camera.height / 2, factor);
  }
}
