// The right side: labels, comments, the guide, or how things look.

import { html, type TemplateResult } from "lit";
import type { Panel as Name } from "../actions/session.ts";
import { icon } from "./icons.ts";
import { Panel, from } from "./panel.ts";

const TABS: [Name, string][] = [["labels", "Labels"], ["comments", "Comments"], ["guide", "Guide"], ["history", "History"], ["look", "View"]];

export class SidePanel extends Panel {
  protected sources() {
    return from(this.session.changed, this.session.settings.changed);
  }

  override render(): TemplateResult {
    const { session } = this;
    const open = session.talk.comments.filter((c) => !c.resolved && !c.parent).length;
    return html`
      <div class="tabs" role="tablist" aria-label="Side panel">${TABS.map(([name, label]) => html`
        <button role="tab" id="tab-${name}" aria-selected=${session.panel === name} aria-controls="side-body" @click=${() => this.show(name)}><span>${label}</span>${name === "comments" && open ? html`<span class="badge">${open}</span>` : ""}</button>`)}
        <button class="quiet square close" aria-label="Close the side panel" @click=${() => session.settings.set("panel", false)}>${icon("x")}</button></div>
      <div class="side-body" id="side-body" role="tabpanel" aria-labelledby="tab-${session.panel}">${this.body()}</div>`;
  }

  private show(name: Name): void {
    this.session.showPanel(name);
  }

  private body(): TemplateResult {
    const { session } = this;
    switch (session.panel) {
      case "comments": return html`<lw-comments .session=${session}></lw-comments>`;
      case "guide": return html`<lw-guide .session=${session}></lw-guide>`;
      case "history": return html`<lw-history .session=${session}></lw-history>`;
      case "look": return html`<lw-look .session=${session}></lw-look>`;
      default: return html`<lw-classes .session=${session}></lw-classes><lw-attributes .session=${session}></lw-attributes><lw-objects .session=${session}></lw-objects>`;
    }
  }
}
