// The gaps of a semantic picture: counted a moment after each change, shown hatched, and stepped through.

import { type Coverage, coverAgain, coverageOf, takeGap, uncovered } from "../geometry/coverage.ts";
import type { Bounds, Metric } from "../geometry/plane.ts";
import type { View } from "../shapes/kind.ts";
import { Emitter } from "../store/emitter.ts";
import type { Scene } from "./scene.ts";

const REST = 250;

export class Gaps {
  /** Counted anew; the places that may look different now, null: everywhere. */
  readonly changed = new Emitter<Bounds[] | null>();
  count = 0;
  private coverage: Coverage | null = null;
  private size: Metric = { x: 0, y: 0 };
  private timer: ReturnType<typeof setTimeout> | undefined;
  private places: Bounds[] | null = [];
  /** The coverage with the gaps filled that have been stepped to. */
  private walk: Coverage | null = null;
  private veil: HTMLCanvasElement | null = null;

  constructor(private readonly scene: Scene) {
    scene.dirtied.on((places) => {
      this.places = places && this.places ? [...this.places, ...places] : null;
      this.walk = null;
      this.schedule();
    });
  }

  /** The picture's size is known, or another. */
  setSize(size: Metric): void {
    if (size.x === this.size.x && size.y === this.size.y) return;
    this.size = { ...size };
    this.places = null;
    this.schedule();
  }

  private schedule(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), REST);
  }

  /** Counts now: in the columns that changed, or everywhere. */
  look(): void {
    clearTimeout(this.timer);
    if (this.size.x <= 1) return;
    const { places } = this;
    this.places = [];
    const shapes = [...this.scene.ids].map((id) => this.scene.shapeOf(id)!);
    if (!places || !this.coverage) {
      this.coverage = coverageOf(shapes, this.size);
      this.veil = null;
    } else if (places.length) {
      const { width } = this.coverage;
      const first = Math.max(0, Math.floor(Math.min(...places.map((place) => place.x1)) * width) - 1);
      const end = Math.min(width, Math.ceil(Math.max(...places.map((place) => place.x2)) * width) + 1);
      if (first < end) coverAgain(this.coverage, shapes, first, end);
      if (first < end && this.veil) hatch(this.veil, this.coverage, first, end);
    }
    this.count = uncovered(this.coverage);
    this.changed.emit(places);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  /** The next gap's box, every one once before the first comes again; null when there is none. */
  next(): Bounds | null {
    if (!this.walk) this.look();
    if (!this.coverage || !this.count) return null;
    const copy = (): Coverage => ({ ...this.coverage!, bits: new Uint8Array(this.coverage!.bits) });
    this.walk ??= copy();
    return takeGap(this.walk) ?? takeGap((this.walk = copy()));
  }

  /** Hatches the gaps over everything. */
  draw(context: CanvasRenderingContext2D, view: View): void {
    const { coverage } = this;
    if (!coverage || !this.count) return;
    if (!this.veil) {
      this.veil = document.createElement("canvas");
      const step = stepOf(coverage);
      [this.veil.width, this.veil.height] = [Math.ceil(coverage.width / step), Math.ceil(coverage.height / step)];
      hatch(this.veil, coverage, 0, coverage.width);
    }
    context.imageSmoothingEnabled = false;
    context.drawImage(this.veil, view.x(0), view.y(0), view.metric.x, view.metric.y);
  }
}

const SIDE = 2048;

const stepOf = ({ width, height }: Coverage): number => Math.max(1, Math.ceil(Math.max(width, height) / SIDE));

/** Draws the gaps in the columns from `first` up to `end`: diagonal stripes, so that no class colour can be taken for one. */
function hatch(canvas: HTMLCanvasElement, coverage: Coverage, first: number, end: number): void {
  const { height, bits } = coverage;
  const step = stepOf(coverage);
  const left = Math.floor(first / step);
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(Math.ceil(end / step) - left, canvas.height);
  const cells = new Uint32Array(image.data.buffer);
  const stripe = Math.max(2, Math.round(canvas.width / 160));
  for (let x = 0; x < image.width; x++) {
    for (let y = 0; y < image.height; y++) {
      if (bits[(left + x) * step * height + y * step]) continue;
      // Little-endian RGBA: magenta, every other stripe nearly clear.
      cells[y * image.width + x] = (Math.floor((left + x + y) / stripe) & 1) === 0 ? 0xb4ff3cff : 0x38ff3cff;
    }
  }
  context.putImageData(image, left, 0);
}
