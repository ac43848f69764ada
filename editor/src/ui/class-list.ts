// The classes: the one in hand, their number keys, and a search over thousands.

import { html, nothing, type TemplateResult } from "lit";
import { classWithKey } from "../actions/actions.ts";
import * as objects from "../actions/objects.ts";
import { patternOf } from "../editor/look.ts";
import type { LabelClass } from "../model/work.ts";
import { swatch } from "../shapes/patterns.ts";
import { icon } from "./icons.ts";
import { Panel, from } from "./panel.ts";

const SHOWN = 9;

export class ClassList extends Panel {
  protected sources() {
    const { session } = this;
    return from(session.bench.changed, session.selection.changed, session.settings.changed);
  }

  override render(): TemplateResult {
    const { session } = this;
    const { classes } = session.ontology;
    const inHand = session.bench.classInHand;
    const first = classes.slice(0, SHOWN);
    const more = inHand && !first.includes(inHand) ? [...first, inHand] : first;
    const counts = this.counts();
    return html`
      <div class="section-head"><h2>Classes</h2>
        <button class="quiet small" @click=${() => session.open("classes")}>${icon("search")}${classes.length > SHOWN ? `All ${classes.length.toLocaleString("en")}` : "Search"} <kbd>/</kbd></button></div>
      <div class="classes" role="radiogroup" aria-label="Class">
        ${more.map((c) => this.row(c, classes.indexOf(c), c === inHand, counts.get(c.name) ?? 0))}
      </div>`;
  }

  private counts(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { class: name } of this.session.store.objects) counts.set(name, (counts.get(name) ?? 0) + 1);
    return counts;
  }

  private row(c: LabelClass, index: number, chosen: boolean, n: number): TemplateResult {
    const { session } = this;
    return html`<button class="class" role="radio" aria-checked=${chosen} data-class=${c.name} @click=${() => objects.setClass(session, c.name)}>
      <span class="swatch" .style=${`background:${swatch(c.color, patternOf(session.bench.parts, c.name))}`}></span><span class="name">${c.display_name || c.name}</span>
      ${n ? html`<span class="muted figure">${n.toLocaleString("en")}</span>` : nothing}
      ${this.key(c, index)}</button>`;
  }

  private key(c: LabelClass, index: number): TemplateResult | typeof nothing {
    const own = c.hotkey?.toUpperCase();
    if (own && classWithKey(this.session, own) === c) return html`<kbd>${own}</kbd>`;
    const taken = index < 0 || index > 8 || classWithKey(this.session, String(index + 1));
    return taken ? nothing : html`<kbd>${index + 1}</kbd>`;
  }
}
