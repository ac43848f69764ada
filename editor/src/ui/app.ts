// The page: its frame, its keys, and what stands in place of the canvas when there is no task.

import { LitElement, html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { actionFor, classWithKey } from "../actions/actions.ts";
import { chordOf } from "../actions/keys.ts";
import * as objects from "../actions/objects.ts";
import type { Session } from "../actions/session.ts";
import { Hints } from "./hints.ts";
import { toStage } from "./panel.ts";
import type { StatusBar } from "./status-bar.ts";

export class App extends LitElement {
  static override properties = { session: { attribute: false }, fault: { attribute: false } };
  declare session: Session | null;
  declare fault: { title: string; text: string; retry: boolean } | null;
  private attached: Session | null = null;
  private stops: (() => void)[] = [];
  private readonly onKey = (e: KeyboardEvent): void => this.key(e);
  private readonly onKeyUp = (e: KeyboardEvent): void => this.keyUp(e);
  /** What has just become different, for those who hear the page: the selection, the frame, the tool. */
  private spoken = "";
  private told: { ids: ReadonlySet<number>; frame: number; tool: string } = { ids: new Set(), frame: 0, tool: "select" };
  /** What was last pressed with the pointer, until a key moves the focus. */
  private pointed: Element | null = null;

  constructor() {
    super();
    this.session = null;
    this.fault = null;
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("keydown", this.onKey);
    window.addEventListener("keyup", this.onKeyUp);
    window.addEventListener("pointerdown", (e) => (this.pointed = e.target instanceof Element ? e.target : null), { capture: true });
    // An option chosen with the pointer: the keys are the canvas's again, and letters do not choose another one.
    this.addEventListener("change", (e) => e.target instanceof HTMLSelectElement && this.pointed?.closest("select") === e.target && !e.target.closest("dialog") && toStage());
    window.addEventListener("blur", () => this.setSpace(false));
  }

  override updated(_: PropertyValues): void {
    const { session } = this;
    if (this.fault) this.querySelector<HTMLElement>("main h1")?.focus();
    if (!session || session === this.attached) return;
    this.stops.forEach((stop) => stop());
    this.attached = session;
    const stage = this.querySelector<HTMLElement>(".stage")!;
    stage.querySelectorAll("canvas").forEach((canvas) => canvas.remove());
    this.applySettings();
    session.attach(stage);
    this.stops = [
      session.settings.changed.on(() => this.applySettings()),
      session.changed.on(() => this.requestUpdate()),
      session.selection.changed.on(() => this.tell(session)),
      session.bench.changed.on(() => this.tell(session)),
      session.editor!.shown.on(({ error, small }) => session.frames.shown(error, small)),
    ];
    stage.addEventListener("pointermove", (e) => this.pointer(e), { passive: true });
    // A click that places a comment is not one for the tool.
    stage.addEventListener("pointerdown", (e) => this.placePin(e), { capture: true });
    // What is drawn belongs to the frame that is seen: it stays while one draws.
    stage.addEventListener("pointerdown", (e) => e.button === 0 && !session.editor!.panning && session.frames.pause(), { capture: true });
    toStage();
  }

  private tell(session: Session): void {
    const { ids, frame, tool } = this.told;
    const { bench, frames, selection } = session;
    const now = { ids: selection.ids, frame: bench.frame, tool: bench.toolId };
    this.told = now;
    const chosen = (now.ids !== ids && now.ids.size + ids.size > 0) || (now.frame !== frame && now.ids.size > 0);
    const said = [
      now.tool === tool ? "" : `${bench.toolSpec.label} tool`,
      now.frame === frame || frames.playing ? "" : `Frame ${now.frame + 1} of ${frames.count}`,
      chosen && !frames.playing ? objects.spoken(session) : "",
    ].filter(Boolean).join(". ");
    if (!said) return;
    this.spoken = said;
    this.requestUpdate();
  }

  private applySettings(): void {
    const { session } = this;
    if (!session) return;
    const theme = session.settings.get("theme");
    if (theme === "system") document.documentElement.removeAttribute("data-theme");
    else document.documentElement.dataset.theme = theme;
    this.classList.toggle("no-panel", !session.settings.get("panel"));
  }

  private pointer(e: PointerEvent): void {
    const { session } = this;
    if (!session) return;
    session.clock.touch();
    const box = this.querySelector(".stage")!.getBoundingClientRect();
    const p = session.bench.camera.at(e.clientX - box.left, e.clientY - box.top);
    this.querySelector<StatusBar>("lw-status")?.showPlace(p.x, p.y);
  }

  private placePin(e: PointerEvent): void {
    const { session } = this;
    if (!session || e.button !== 0 || session.editor!.panning) return;
    const box = this.querySelector(".stage")!.getBoundingClientRect();
    const [x, y] = [e.clientX - box.left, e.clientY - box.top];
    const pin = session.bench.toolId === "select" && session.bench.tool.state === "idle" ? session.editor!.pinAt(x, y) : null;
    if (!session.talk.pinning && !pin) return;
    e.stopPropagation();
    e.preventDefault();
    if (pin) return void this.showComment(session, pin);
    session.talk.place(session.bench.camera.at(x, y));
    this.querySelector<HTMLElement>("#comment-text")?.focus();
  }

  /** The thread of a pin that was clicked. */
  private async showComment(session: Session, uid: string): Promise<void> {
    session.showPanel("comments");
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const thread = this.querySelector<HTMLElement>(`[data-comment="${CSS.escape(uid)}"]`);
    thread?.scrollIntoView({ block: "nearest" });
    thread?.focus();
  }

  private setSpace(held: boolean): void {
    if (!this.session?.editor || this.session.editor.spaceHeld === held) return;
    this.session.editor.spaceHeld = held;
    this.session.editor.refreshCursor();
  }

  private keyUp(e: KeyboardEvent): void {
    if (e.key === " ") this.setSpace(false);
  }

  /** Runs the shortcut, unless somebody is typing or a button means the key. */
  private key(e: KeyboardEvent): void {
    const { session } = this;
    if (!session || session.dialog || session.menu || e.defaultPrevented || e.isComposing) return;
    session.clock.touch();
    const target = e.target instanceof HTMLElement ? e.target : document.body;
    if (e.key === "Tab") this.pointed = null;
    const typing = target.matches("textarea, select, input:not([type=checkbox], [type=range])") || target.isContentEditable;
    if (typing) {
      this.pointed = null;
      if (e.key === "Escape") toStage();
      if (!(e.ctrlKey && e.key === "Enter")) return;
      // Some fields take what is typed only when they are left.
      toStage();
    }
    const control = target.closest("button, a, [role=listbox], [role=slider], input");
    // A button that was clicked a while ago is not meant by Enter or Space; one that the keyboard went to is.
    const clicked = !!control && this.pointed !== null && control.contains(this.pointed) && ["Enter", " "].includes(e.key);
    if (clicked) toStage();
    else if (control && ["Tab", "Enter", " "].includes(e.key) && !e.ctrlKey) {
      this.pointed = null;
      return;
    }
    const chord = chordOf(e);
    if (chord === "Space") {
      e.preventDefault();
      return this.setSpace(true);
    }
    const action = actionFor(session, chord);
    const hotkey = classWithKey(session, chord);
    if (!action && !hotkey) return;
    e.preventDefault();
    if (hotkey) objects.setClass(session, hotkey.name);
    else action!.run(session);
    session.editor?.refreshCursor();
    session.bench.changed.emit();
  }

  override render(): TemplateResult {
    const { session, fault } = this;
    if (fault) return html`<main class="message"><h1 tabindex="-1">${fault.title}</h1><p>${fault.text}</p><p>${fault.retry ? html`<button class="primary" @click=${() => location.reload()}>Try again</button>` : nothing} <a class="button" href="/work">My work</a></p></main>`;
    if (!session) return html`<main class="message" aria-busy="true"><p class="muted">Opening the task…</p></main>`;
    const video = session.work.item.kind === "video" && session.frames.count > 1;
    return html`
      <a class="sr skip" href="#side-body">Skip to the side panel</a>
      <lw-top .session=${session}></lw-top>
      <lw-tools .session=${session}></lw-tools>
      <div class="stage" tabindex="0" role="application" aria-roledescription="labeling canvas" aria-label=${`Picture ${session.work.item.name}. Tab steps through its objects, question mark shows all keys.`}>${this.overCanvas()}</div>
      <lw-side .session=${session}></lw-side>
      ${video ? html`<lw-timeline .session=${session}></lw-timeline>` : nothing}
      <lw-status .session=${session}></lw-status>
      <lw-menu .session=${session}></lw-menu>
      <lw-dialogs .session=${session}></lw-dialogs>
      <div class="sr" role="status" aria-live="polite">${session.notice}</div>
      <div class="sr spoken" aria-live="polite">${this.spoken}</div>`;
  }

  private overCanvas(): TemplateResult {
    const session = this.session!;
    const { item } = session.work;
    const { over, notice, frames } = session;
    const failed = item.media_state === "failed" ? item.media_error || "The picture could not be fetched" : frames.error;
    const working = session.follow.progress ?? session.prelabel.progress;
    return html`
      ${working ? html`<div class="toast working" role="status"><span class="spinner" aria-hidden="true"></span>${working}<button class="small" @click=${() => session.follow.stop() || session.prelabel.stop()}>Stop <kbd>Esc</kbd></button></div>` : nothing}
      ${notice ? html`<div class="toast">${notice}</div>` : nothing}
      ${failed ? html`<div class="stage-message"><h1>The picture cannot be shown</h1><p>${failed}</p><button @click=${() => frames.show()}>Try again</button></div>` : nothing}
      ${over ? html`<div class="stage-message over"><h1>${over.text}</h1><p>${over.next ? "The next task is opening…" : "All done: there is no further task for you in this project just now."}</p><p>${over.next ? nothing : html`<button @click=${() => session.go()}>Look again <kbd>N</kbd></button> `}<a class="button" href="/work">My work</a></p></div>` : Hints(session)}`;
  }
}
