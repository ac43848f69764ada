// Pointer, wheel, pen and touch on the canvas: moves the view, or hands it to the tool in hand. While a pen is at the
// screen, or was a moment ago, what else touches it is the hand that holds the pen, and counts for nothing.

import type { Camera } from "./camera.ts";
import type { Pointer } from "../tools/tool.ts";

/** What input drives. `edit`: Ctrl is held, so the selecting tool is meant whatever is in hand. */
export interface Target {
  readonly camera: Camera;
  /** The hand tool, or Space held. */
  readonly panning: boolean;
  /** One finger moves the view; a pen draws. */
  readonly fingersMove: boolean;
  /** A finger that rests asks for the menu: while nothing is drawn with it. */
  readonly holds: boolean;
  /** A pen's pressure counts. */
  readonly pressure: boolean;
  /** A pen has touched the picture. */
  penUsed(): void;
  down(p: Pointer): void;
  move(p: Pointer): void;
  up(p: Pointer): void;
  double(p: Pointer): void;
  leave(): void;
  cancel(): void;
  /** The press just made was none: a second finger came. */
  retract(): void;
  /** The right button was clicked, or a finger held: what can be done here? Places of the page. */
  menu(p: Pointer, x: number, y: number): void;
  cursor(): string;
}

/** Milliseconds after a pen's last movement in which a touch is taken for the palm. */
const PALM = 500;
/** The button of a pen's eraser end, by the Pointer Events standard. */
const ERASER = 5;
const ERASING = 32;
/** Milliseconds after which a finger that rests means the menu. */
const LONG = 550;
/** Pixels that it may move meanwhile. */
const STILL = 8;

export class Input {
  private readonly touches = new Map<number, { x: number; y: number }>();
  private panFrom: { x: number; y: number } | null = null;
  private pressed: number | null = null;
  private lastUp = { time: 0, x: 0, y: 0 };
  private penAt = -Infinity;
  private penDown: number | null = null;
  /** Where the right button went down, or a finger, as long as it has not moved. */
  private menuAt: { x: number; y: number; timer?: ReturnType<typeof setTimeout> } | null = null;

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
    const pen = e.pointerType === "pen";
    // The other end of a pen means what Alt means: it takes away.
    const alt = e.altKey || (pen && (e.button === ERASER || (e.buttons & ERASING) !== 0));
    const pressure = pen && this.target.pressure && e.buttons ? e.pressure : undefined;
    return { ...p, shift: e.shiftKey, alt, ctrl: e.ctrlKey || e.metaKey, touch: e.pointerType === "touch", pressure };
  }

  /** Is this the palm of the hand that holds the pen? */
  private resting(e: PointerEvent): boolean {
    return e.pointerType === "touch" && (this.penDown !== null || e.timeStamp - this.penAt < PALM);
  }

  /** The pen has come: what the palm began before it is taken back. */
  private penCame(e: PointerEvent): void {
    this.penDown = e.pointerId;
    this.penAt = e.timeStamp;
    if (this.touches.size) {
      this.noMenu();
      this.target.retract();
      [this.pressed, this.panFrom] = [null, null];
      this.touches.clear();
    }
    this.target.penUsed();
  }

  private down(e: PointerEvent): void {
    // What stands over the canvas, hints and their buttons, is not drawn on.
    if (e.target !== this.element && !(e.target instanceof HTMLCanvasElement)) return;
    if (this.resting(e)) return;
    this.element.focus({ preventScroll: true });
    this.element.setPointerCapture(e.pointerId);
    if (e.pointerType === "pen") this.penCame(e);
    const at = this.place(e);
    const touch = e.pointerType === "touch";
    if (touch) this.touches.set(e.pointerId, at);
    if (this.touches.size > 1) return this.secondFinger();
    if (e.button === 2) this.menuAt = { x: e.clientX, y: e.clientY };
    if (e.button === 1 || e.button === 2 || this.target.panning || (touch && this.target.fingersMove)) {
      this.panFrom = at;
      this.element.style.cursor = "grabbing";
      return;
    }
    if (e.button !== 0 && e.button !== ERASER) return;
    this.pressed = e.pointerId;
    if (touch && this.target.holds) this.menuAt = { x: e.clientX, y: e.clientY, timer: setTimeout(() => this.heldLong(e), LONG) };
    this.target.down(this.pointer(e));
    this.showCursor();
  }

  /** A finger has rested: what it pressed was none. */
  private heldLong(e: PointerEvent): void {
    if (!this.menuAt || this.pressed !== e.pointerId) return;
    this.menuAt = this.pressed = null;
    this.target.retract();
    this.target.menu(this.pointer(e), e.clientX, e.clientY);
  }

  /** It is dragged, or another finger came: no menu. */
  private noMenu(): void {
    clearTimeout(this.menuAt?.timer);
    this.menuAt = null;
  }

  /** It means the view: what the first one began is taken back. */
  private secondFinger(): void {
    this.noMenu();
    if (this.pressed !== null) this.target.retract();
    [this.pressed, this.panFrom] = [null, null];
  }

  private move(e: PointerEvent): void {
    if (e.pointerType === "pen") this.penAt = e.timeStamp;
    if (e.pointerType === "touch" && !this.touches.has(e.pointerId)) return;
    const at = this.place(e);
    if (this.menuAt && Math.hypot(e.clientX - this.menuAt.x, e.clientY - this.menuAt.y) > STILL) this.noMenu();
    if (this.touches.size > 1) return this.pinch(e.pointerId, at);
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
    // A third finger changes nothing.
    const [[first, a], [second, b]] = [...this.touches];
    if (id !== first && id !== second) return;
    const before = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, reach: Math.hypot(a.x - b.x, a.y - b.y) };
    this.touches.set(id, at);
    const [[, c], [, d]] = [...this.touches];
    const now = { x: (c.x + d.x) / 2, y: (c.y + d.y) / 2, reach: Math.hypot(c.x - d.x, c.y - d.y) };
    this.target.camera.pan(now.x - before.x, now.y - before.y);
    if (before.reach > 0) this.target.camera.zoomAt(now.x, now.y, now.reach / before.reach);
  }

  private up(e: PointerEvent): void {
    this.touches.delete(e.pointerId);
    if (this.penDown === e.pointerId) this.penDown = null;
    const { menuAt } = this;
    this.noMenu();
    if (this.panFrom) {
      this.panFrom = null;
      if (menuAt && e.button === 2) this.target.menu(this.pointer(e), e.clientX, e.clientY);
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
    if (this.penDown === e.pointerId) this.penDown = null;
    this.panFrom = null;
    this.noMenu();
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
