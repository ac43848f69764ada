// Pictures: fetched, decoded off the main thread, kept while there is room, and made brighter on request.

import type { Metric } from "../geometry/plane.ts";
import { type Level, decoded, release } from "./decoding.ts";
import { Queue } from "./queue.ts";
import { Shelf } from "./shelf.ts";
import { Tiles } from "./tiles.ts";

export interface Picture {
  width: number;
  height: number;
  /** The picture, then halves of it, so that drawing it small is cheap and smooth. */
  levels: Level[];
  /** Of a very large picture: its parts, which are fetched as they are seen. `levels` has a small copy of the whole then. */
  tiles?: Tiles;
}

export interface Light {
  brightness: number;
  contrast: number;
  gamma: number;
}

/** Bytes of decoded pictures that are kept, and of the smaller copies that are stepped through quickly. */
const ROOM = 600e6;
const SMALL_ROOM = 200e6;
const LEAST = 512;

const bytesOf = (picture: Picture): number => picture.levels.reduce((sum, level) => sum + level.width * level.height * 4, 0);

function drop(picture: Picture): void {
  picture.tiles?.close();
  picture.levels.forEach(release);
}

/** The smallest level that is still at least as large as it will be drawn. */
export function levelFor(picture: Picture, zoom: number): Level {
  const index = zoom >= 1 ? 0 : Math.floor(Math.log2(1 / zoom));
  return picture.levels[Math.min(index, picture.levels.length - 1)];
}

/** Halves of the picture down to about 512 pixels. */
function halves(first: Level): Level[] {
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

export class Pictures {
  private readonly whole = new Shelf<Picture>(ROOM, bytesOf, drop);
  private readonly small = new Shelf<Picture>(SMALL_ROOM, bytesOf, drop);
  private readonly soon = new Queue<string>((url) => this.small.load(url, () => fetched(url, Infinity)));

  /** Loads and decodes a picture; those used last are kept. `show`: it will be on the screen, so it is not given up. */
  load(url: string, show = false): Promise<Picture> {
    return this.whole.load(url, () => fetched(url, LEAST), show);
  }

  has(url: string): boolean {
    return this.whole.has(url);
  }

  /** A very large picture in tiles, by the addresses of its index and its pack. */
  loadTiles(url: string, links: { index: string; pack: string }, show = false): Promise<Picture> {
    return this.whole.load(url, async () => {
      const { tiles, overview } = await Tiles.open(links.index, links.pack);
      return { width: tiles.size.x, height: tiles.size.y, levels: [overview], tiles };
    }, show);
  }

  /** A smaller copy, standing for a picture of `size`. */
  async loadSmall(url: string, size: Metric, show = false): Promise<Picture> {
    const picture = await this.small.load(url, () => fetched(url, Infinity), show);
    return { ...picture, width: size.x, height: size.y };
  }

  hasSmall(url: string): boolean {
    return this.small.has(url);
  }

  /** Smaller copies that will be wanted soon, the most urgent first. What was wanted before and is not now is not fetched. */
  want(urls: string[]): void {
    this.soon.want(urls.filter((url) => !this.small.knows(url)));
  }
}

async function fetched(url: string, least: number): Promise<Picture> {
  const levels = await decoded(url, least);
  if (levels.length === 1 && least < Infinity) levels.splice(0, 1, ...halves(levels[0]));
  return { width: levels[0].width, height: levels[0].height, levels };
}

const plain = (light: Light): boolean => light.brightness === 1 && light.contrast === 1 && light.gamma === 1;

/** The picture with every channel passed through one table: gamma, then contrast, then brightness. */
export function lit(picture: Picture, light: Light): Picture {
  if (plain(light)) {
    picture.tiles?.setLight(null);
    return picture;
  }
  const table = Uint8ClampedArray.from({ length: 256 }, (_, v) => {
    const bent = 255 * (v / 255) ** (1 / light.gamma);
    return ((bent - 128) * light.contrast + 128) * light.brightness;
  });
  picture.tiles?.setLight((image) => relit(image, table));
  return { ...picture, levels: halves(relit(picture.levels[0], table)) };
}

function relit(from: Level, table: Uint8ClampedArray): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = from.width;
  canvas.height = from.height;
  const context = canvas.getContext("2d", { alpha: false })!;
  context.drawImage(from, 0, 0);
  const data = context.getImageData(0, 0, canvas.width, canvas.height);
  const cells = data.data;
  for (let i = 0; i < cells.length; i++) if ((i & 3) !== 3) cells[i] = table[cells[i]];
  context.putImageData(data, 0, 0);
  return canvas;
}

export const sizeOf = (picture: Picture): Metric => ({ x: picture.width, y: picture.height });
