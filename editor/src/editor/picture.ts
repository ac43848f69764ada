// Pictures: fetched, decoded off the main thread, kept while there is room, and made brighter on request.

import type { Metric } from "../geometry/plane.ts";

export interface Picture {
  width: number;
  height: number;
  /** The picture, then halves of it, so that drawing it small is cheap and smooth. */
  levels: (ImageBitmap | HTMLCanvasElement)[];
}

export interface Light {
  brightness: number;
  contrast: number;
  gamma: number;
}

const ROOM = 600e6;

export const bytesOf = (picture: Picture): number => picture.width * picture.height * 4 * 1.34;

/** The smallest level that is still at least as large as it will be drawn. */
export function levelFor(picture: Picture, zoom: number): ImageBitmap | HTMLCanvasElement {
  const index = zoom >= 1 ? 0 : Math.floor(Math.log2(1 / zoom));
  return picture.levels[Math.min(index, picture.levels.length - 1)];
}

/** Halves of the picture down to about 512 pixels. */
function halves(first: ImageBitmap | HTMLCanvasElement): (ImageBitmap | HTMLCanvasElement)[] {
  const levels = [first];
  while (Math.max(levels.at(-1)!.width, levels.at(-1)!.height) > 1024) {
    const from = levels.at(-1)!;
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, from.width >> 1);
    canvas.height = Math.max(1, from.height >> 1);
    const context = canvas.getContext("2d", { alpha: false })!;
    context.imageSmoothingQuality = "medium";
    context.drawImage(from, 0, 0, canvas.width, canvas.height);
    levels.push(canvas);
  }
  return levels;
}

/** A file's name whatever link leads to it: signed links change with time. */
const nameOf = (url: string): string => url.split("?")[0];

export class Pictures {
  private readonly kept = new Map<string, Promise<Picture>>();
  private readonly sizes = new Map<string, number>();

  private shown = "";

  /** Loads and decodes a picture; those used last are kept. `show`: it will be on the screen, so it is not given up. */
  load(url: string, show = false): Promise<Picture> {
    const name = nameOf(url);
    if (show) this.shown = name;
    const there = this.kept.get(name);
    if (there) {
      this.kept.delete(name);
      this.kept.set(name, there);
      return there;
    }
    const coming = fetchPicture(url);
    this.kept.set(name, coming);
    coming.then(
      (picture) => {
        this.sizes.set(name, bytesOf(picture));
        this.makeRoom(name);
      },
      () => this.kept.delete(name),
    );
    return coming;
  }

  has(url: string): boolean {
    return this.sizes.has(nameOf(url)) && this.kept.has(nameOf(url));
  }

  private makeRoom(keep: string): void {
    let total = [...this.sizes.values()].reduce((a, b) => a + b, 0);
    for (const url of [...this.kept.keys()]) {
      if (total <= ROOM) return;
      const size = this.sizes.get(url);
      if (url === keep || url === this.shown || size === undefined) continue;
      const gone = this.kept.get(url)!;
      this.kept.delete(url);
      this.sizes.delete(url);
      total -= size;
      void gone.then((picture) => picture.levels.forEach((level) => "close" in level && level.close()));
    }
  }
}

async function fetchPicture(url: string): Promise<Picture> {
  const answer = await fetch(url, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`The picture answered ${answer.status}`);
  const bitmap = await decode(await answer.blob());
  return { width: bitmap.width, height: bitmap.height, levels: halves(bitmap) };
}

async function decode(blob: Blob): Promise<ImageBitmap | HTMLCanvasElement> {
  try {
    return await createImageBitmap(blob, { imageOrientation: "none" });
  } catch {
    return await decodeByElement(blob);
  }
}

/** SVG and a few formats decode only in an image element. */
async function decodeByElement(blob: Blob): Promise<HTMLCanvasElement> {
  const image = new Image();
  const address = URL.createObjectURL(blob);
  try {
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    canvas.getContext("2d")!.drawImage(image, 0, 0);
    return canvas;
  } finally {
    URL.revokeObjectURL(address);
  }
}

export const plain = (light: Light): boolean => light.brightness === 1 && light.contrast === 1 && light.gamma === 1;

/** The picture with every channel passed through one table: gamma, then contrast, then brightness. */
export function lit(picture: Picture, light: Light): Picture {
  if (plain(light)) return picture;
  const table = Uint8ClampedArray.from({ length: 256 }, (_, v) => {
    const bent = 255 * (v / 255) ** (1 / light.gamma);
    return ((bent - 128) * light.contrast + 128) * light.brightness;
  });
  const from = picture.levels[0];
  const canvas = document.createElement("canvas");
  canvas.width = from.width;
  canvas.height = from.height;
  const context = canvas.getContext("2d", { alpha: false })!;
  context.drawImage(from, 0, 0);
  const data = context.getImageData(0, 0, canvas.width, canvas.height);
  const cells = data.data;
  for (let i = 0; i < cells.length; i++) if ((i & 3) !== 3) cells[i] = table[cells[i]];
  context.putImageData(data, 0, 0);
  return { width: picture.width, height: picture.height, levels: halves(canvas) };
}

export const sizeOf = (picture: Picture): Metric => ({ x: picture.width, y: picture.height });
