// Pointer, wheel and touch on the canvas: moves the view, or hands it to the tool in hand.

import type { Camera } from "./camera.ts";
import type { Pointer } from "../tools/tool.ts";

/** What input drives. `edit`: Ctrl is held, so the selecting tool is meant whatever is in hand. */
export interface Target {
  readonly camera: Camera;
  /** The hand tool, or Space held. */
  readonly panning: boolean;
  down(p: Pointer): void;
  move(p: Pointer): void;
  up(p: Pointer): void;
  double(p: Pointer): void;
  leave(): void;
  cancel(): void;
  cursor(): string;
}

export class Input {
  private readonly touches = new Map<number, { x: number; y: number }>();
  private panFrom: { x: number; y: number } | null = null;
  private pressed: number | null = null;
  private lastUp = { time: 0, x: 0, y: 0 };

  constructor(
    private readonly element: HTMLElement,
    private readonly target: Target,
  ) {
    element.addEventListener("pointerdown", (e) => this.down(e));
    element.addEventListener("pointermove", (e) => this.move(e));
    element.addEventListener("pointerup", (e) => this.up(e));
    element.addEventListener("pointercancel", (e) => this.lost(e));
    element.addEventListener("pointerleave", () => this.pressed === null && target.leave());
    element.addEventListener("wheel", (e) => this.wheel(e), { passive: false });
    element.addEventListener("contextmenu", (e) => e.preventDefault());
  }

  private place(e: PointerEvent | WheelEvent): { x: number; y: number } {
    const box = this.element.getBoundingClientRect();
    return { x: e.clientX - box.left, y: e.clientY - box.top };
  }

  private pointer(e: PointerEvent): Pointer {
    const { x, y } = this.place(e);
    const p = this.target.camera.at(x, y);
    return { ...p, shift: e.shiftKey, alt: e.altKey, ctrl: e.ctrlKey || e.metaKey, touch: e.pointerType === "touch" };
  }

  private down(e: PointerEvent): void {
    this.element.focus({ preventScroll: true });
    this.element.setPointerCapture(e.pointerId);
    const at = this.place(e);
    if (e.pointerType === "touch") {
      this.touches.set(e.pointerId, at);
      if (this.touches.size === 2) {
        // The second finger means the view: what the first one began is taken back.
        this.pressed = null;
        this.target.cancel();
        return;
      }
    }
    if (e.button === 1 || e.button === 2 || this.target.panning) {
      this.panFrom = at;
      this.element.style.cursor = "grabbing";
      return;
    }
    if (e.button !== 0) return;
    this.pressed = e.pointerId;
    this.target.down(this.pointer(e));
    this.showCursor();
  }

  private move(e: PointerEvent): void {
    const at = this.place(e);
    if (this.touches.has(e.pointerId) && this.touches.size === 2) return this.pinch(e.pointerId, at);
    if (this.touches.has(e.pointerId)) this.touches.set(e.pointerId, at);
    if (this.panFrom) {
      this.target.camera.pan(at.x - this.panFrom.x, at.y - this.panFrom.y);
      this.panFrom = at;
      return;
    }
    // Every place the pen was at counts for a stroke, not only one a frame.
    const all = this.pressed !== null && e.getCoalescedEvents ? e.getCoalescedEvents() : [];
    for (const one of all.length ? all : [e]) this.target.move(this.pointer(one));
    this.showCursor();
  }

  private pinch(id: number, at: { x: number; y: number }): void {
    const [[, a], [, b]] = [...this.touches];
    const before = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, reach: Math.hypot(a.x - b.x, a.y - b.y) };
    this.touches.set(id, at);
    const [[, c], [, d]] = [...this.touches];
    const now = { x: (c.x + d.x) / 2, y: (c.y + d.y) / 2, reach: Math.hypot(c.x - d.x, c.y - d.y) };
    this.target.camera.pan(now.x - before.x, now.y - before.y);
    if (before.reach > 0) this.target.camera.zoomAt(now.x, now.y, now.reach / before.reach);
  }

  private up(e: PointerEvent): void {
    this.touches.delete(e.pointerId);
    if (this.panFrom) {
      this.panFrom = null;
      return this.showCursor();
    }
    if (this.pressed !== e.pointerId) return;
    this.pressed = null;
    const p = this.pointer(e);
    this.target.up(p);
    const { x, y } = this.place(e);
    const twice = e.timeStamp - this.lastUp.time < 350 && Math.hypot(x - this.lastUp.x, y - this.lastUp.y) < 6;
    this.lastUp = { time: twice ? 0 : e.timeStamp, x, y };
    if (twice) this.target.double(p);
    this.showCursor();
  }

  private lost(e: PointerEvent): void {
    this.touches.delete(e.pointerId);
    this.panFrom = null;
    if (this.pressed === e.pointerId) this.target.cancel();
    this.pressed = null;
  }

  private wheel(e: WheelEvent): void {
    e.preventDefault();
    const { x, y } = this.place(e);
    const lines = e.deltaMode === 1 ? 20 : 1;
    if (e.shiftKey && !e.ctrlKey) return this.target.camera.pan(-(e.deltaX || e.deltaY) * lines, 0);
    this.target.camera.zoomAt(x, y, Math.exp(-e.deltaY * lines * (e.ctrlKey ? 0.01 : 0.0016)));
  }

  showCursor(): void {
    this.element.style.cursor = this.target.panning ? "grab" : this.target.cursor();
  }
}
