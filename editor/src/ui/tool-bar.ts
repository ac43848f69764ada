// The tools at the left (below on a phone), undo and redo, and the view.

import { html, nothing, type TemplateResult } from "lit";
import { ACTIONS, keysOf } from "../actions/actions.ts";
import { shown } from "../actions/keys.ts";
import { TOOLS } from "../tools/index.ts";
import { edits, helped, kindsOf } from "../tools/tool.ts";
import { icon } from "./icons.ts";
import { Panel, from } from "./panel.ts";

const EXTRA: [string, string][] = [["edit.undo", "undo"], ["edit.redo", "redo"], ["edit.delete", "trash"], ["view.fit", "fit"], ["task.help", "keyboard"], ["task.commands", "more"]];

export class ToolBar extends Panel {
  protected sources() {
    const { session } = this;
    return from(session.bench.changed, session.sync.changed, session.selection.changed, session.settings.changed);
  }

  override render(): TemplateResult {
    const { session } = this;
    const usable = TOOLS.filter((t) => helped(t, session.bench.help) && (!edits(t) || session.ontology.classes.some((c) => (t.changes ?? kindsOf(t)).some((kind) => session.ontology.takes(c.name, kind)))));
    // All of them are in sight on a low screen, too.
    this.style.setProperty("--count", String(usable.length + EXTRA.length));
    return html`
      <div class="tools" role="toolbar" aria-label="Tools" aria-orientation="vertical">
        ${usable.map((t) => this.tool(t.id, t.label, t.icon, edits(t)))}
      </div>
      <div class="tools extra" role="toolbar" aria-label="Edit and view">${EXTRA.map(([id, name]) => this.action(id, name))}</div>
      ${this.begun()}`;
  }

  /** For fingers, which have no Enter, Backspace and Esc: what is begun is finished, taken back by a point, given up. */
  private begun(): TemplateResult | typeof nothing {
    const { session } = this;
    const { tool, toolSpec, selected } = session.bench;
    const drawing = tool.state !== "idle" && toolSpec.kind !== null;
    const painted = toolSpec.kind === "mask" && selected.size > 0;
    if (!session.mayEdit || (!drawing && !painted)) return nothing;
    const run = (id: string): void => {
      ACTIONS.find((a) => a.id === id)!.run(session);
      session.bench.changed.emit();
    };
    return html`<div class="begun" role="toolbar" aria-label="The shape that is begun">
      ${tool.finish ? html`<button @click=${() => run("edit.finish")}>${icon("check")}${drawing ? "Done" : "Next object"}</button>` : nothing}
      ${drawing && tool.back ? html`<button @click=${() => run("edit.undo")}>${icon("undo")}Point back</button>` : nothing}
      ${drawing ? html`<button @click=${() => run("edit.cancel")}>${icon("x")}Cancel</button>` : nothing}</div>`;
  }

  private keys(id: string): string {
    const action = ACTIONS.find((a) => a.id === id)!;
    const [first] = keysOf(this.session, action);
    return first ? shown(first) : "";
  }

  private tool(id: string, label: string, name: string, changes: boolean): TemplateResult {
    const { bench } = this.session;
    const key = this.keys(`tool.${id}`);
    return html`<button class="tool" data-tool=${id} aria-pressed=${bench.toolId === id} aria-label=${label} ?disabled=${changes && !this.session.mayEdit}
      data-tip=${key ? `${label}  ${key}` : label} @click=${() => bench.setTool(id)}>${icon(name)}${key.length === 1 ? html`<span class="key" aria-hidden="true">${key}</span>` : nothing}</button>`;
  }

  private action(id: string, name: string): TemplateResult {
    const { session } = this;
    const action = ACTIONS.find((a) => a.id === id)!;
    const off = (id === "edit.undo" && !session.undo.canUndo) || (id === "edit.redo" && !session.undo.canRedo) || (id === "edit.delete" && !session.selection.ids.size);
    const label = id === "edit.delete" ? "Delete" : action.label;
    return html`<button class="tool" data-action=${id} aria-label=${label} data-tip=${`${label}  ${this.keys(id)}`} ?disabled=${off} @click=${() => action.run(session)}>${icon(name)}</button>`;
  }
}
