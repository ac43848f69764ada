// The top: where one is, whether all is saved, time, and what ends the task.

import { html, nothing, type TemplateResult } from "lit";
import { count } from "../actions/session.ts";
import type { SyncState } from "../store/sync.ts";
import { personName } from "../model/work.ts";
import { icon } from "./icons.ts";
import { Panel, from } from "./panel.ts";

export class TopBar extends Panel {
  private timer: ReturnType<typeof setInterval> | undefined;

  protected sources() {
    const { session } = this;
    return from(session.changed, session.sync.changed);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.timer = setInterval(() => this.requestUpdate(), 1000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.timer);
  }

  override render(): TemplateResult {
    const { session } = this;
    const { task, job, item, project } = session.work;
    const position = task.position ? `${task.position.toLocaleString("en")} of ${(task.total ?? 0).toLocaleString("en")}` : "";
    return html`
      <a class="quiet leave" href="/work" title="Leave, with everything saved" aria-label="Leave to my work">${icon("left")}</a>
      <div class="where">
        <span class="job" title=${`${project.name} / ${job.name}`}>${job.name || project.name}</span>
        <span class="slash" aria-hidden="true">/</span>
        <span class="item" title=${item.name}>${item.name}</span>
        ${position ? html`<span class="muted position">${position}</span>` : nothing}
        ${task.returned ? html`<span class="chip returned">returned</span>` : nothing}
        ${session.reviewing ? html`<span class="chip review">review${task.author ? html` of ${personName(task.author)}` : nothing}</span>` : nothing}
      </div>
      <span class="spacer"></span>
      ${session.looking ? html`<span class="chip ${session.elsewhere ? "warn" : ""}" role="status">${session.looking}</span>${session.elsewhere ? html`<button @click=${() => session.workHere()}>Work here</button>` : nothing}` : this.saveState(session.sync.state)}
      <span class="clock" title="Time on this task"><span class="sr">Time on this task</span>${time(session.clock.seconds)}</span>
      ${this.verdicts()}`;
  }

  private saveState(state: SyncState): TemplateResult {
    const { session } = this;
    // Where the browser has no room for them, they last as long as the tab.
    const { keeps } = session.sync;
    const kept = count(state.pending, "change");
    const how = keeps ? "kept" : "in this tab only: keep it open";
    const say = (tone: string, name: string, text: string, action: TemplateResult | typeof nothing = nothing): TemplateResult =>
      html`<span class="save ${tone}" role="status" data-state=${state.kind}>${icon(name)}<span>${text}</span>${action}</span>`;
    const retry = html`<button class="link" @click=${() => session.sync.retry()}>Try now</button>`;
    switch (state.kind) {
      case "saved": return say("good", "saved", "Saved");
      case "saving": return say("", "cloud", "Saving…");
      case "offline": return say("warn", "cloudOff", `Offline, ${kept} ${how}`, retry);
      case "signed_out": return say("warn", "cloudOff", `Signed out, ${kept} ${how}`, html`<a class="link" href="/login" target="_blank" rel="noopener">Sign in</a>${retry}`);
      case "lease_lost": return say("warn", "alert", `Somebody else has this task, ${kept} ${how}`, html`<button class="link" @click=${() => session.takeBack()}>Take it back</button>`);
      case "stopped": return say("warn", "alert", state.pending ? `Job stopped, ${kept} ${keeps ? "kept here" : how}` : "Job stopped", retry);
      case "clash": return say("bad", "alert", `${count(session.sync.clashes.length, "object")} changed by others too`, html`<button class="link" @click=${() => session.open("clash")}>Look</button>`);
      case "refused": return say("bad", "alert", `${count(session.sync.refused.size, "object")} refused`, html`<button class="link" @click=${() => this.showRefused()}>Why</button>`);
      case "forbidden": return say("bad", "alert", `Not saved: ${state.detail || "not allowed"}`, retry);
    }
  }

  private showRefused(): void {
    const { session } = this;
    session.problems = [...session.sync.refused.values()];
    session.open("submit");
  }

  private verdicts(): TemplateResult | typeof nothing {
    const { session } = this;
    if (session.over || session.looking) return html`<button @click=${() => session.go()}>Next task <kbd>N</kbd></button>`;
    if (session.reviewing) {
      return html`
        <button class="danger" @click=${() => session.open("reject")} title="Return to author (R)">${icon("back")}<span class="wide">Return</span></button>
        <button class="primary" @click=${() => session.accept()} title="Accept (Y)">${icon("check")}Accept</button>`;
    }
    if (!session.work.can.submit) return nothing;
    return html`
      <button class="quiet wide" @click=${() => session.open("skip")} title="Skip with a reason">Skip</button>
      <button class="primary" @click=${() => session.submit()} title="Submit (Ctrl Enter)">Submit</button>`;
  }
}

function time(seconds: number): string {
  const two = (n: number): string => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
