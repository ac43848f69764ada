// Pictures fetched and decoded by workers; on the page itself what only an image element decodes.

export type Level = ImageBitmap | HTMLCanvasElement;

/** Gives up an image's memory at once, where it can be given up. */
export function release(image: Level): void {
  if ("close" in image) image.close();
}

/** What a worker is asked: halves are made while they have more than `least` pixels a side; `range`: these bytes only. */
export interface Asked {
  id: number;
  url: string;
  least: number;
  range?: [number, number];
}

/** Its answer: the picture with its halves, or the file where it cannot decode it, or what went wrong. */
export interface Decoded {
  id: number;
  levels?: ImageBitmap[];
  blob?: Blob;
  error?: string;
}

const WORKERS = 2;
const workers: Worker[] = [];
const open = new Map<number, (answer: Decoded) => void>();
let asked = 0;

function workerFor(id: number): Worker {
  while (workers.length < WORKERS) {
    const worker = new Worker(new URL("./decoder.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<Decoded>) => {
      open.get(data.id)?.(data);
      open.delete(data.id);
    };
    // A worker that cannot start answers nothing: whoever waits is told.
    worker.onerror = () => {
      for (const [waiting, tell] of open) tell({ id: waiting, error: "The picture could not be decoded" });
      open.clear();
    };
    workers.push(worker);
  }
  return workers[id % WORKERS];
}

/** The picture at `url` and halves of it. Rejects with a sentence when it cannot be had. */
export async function decoded(url: string, least: number, range?: [number, number]): Promise<Level[]> {
  const id = ++asked;
  const answer = await new Promise<Decoded>((resolve) => {
    open.set(id, resolve);
    workerFor(id).postMessage({ id, url: new URL(url, location.href).href, least, range } satisfies Asked);
  });
  if (answer.levels) return answer.levels;
  if (answer.blob) return [await decodeByElement(answer.blob)];
  throw new Error(answer.error);
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
