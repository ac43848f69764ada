// The worker that fetches and decodes pictures, so that neither keeps the page from answering the hand.

import type { Asked, Decoded } from "./editor/decoding.ts";

const scope = self as unknown as {
  onmessage: (event: MessageEvent<Asked>) => void;
  postMessage(answer: Decoded, transfer?: Transferable[]): void;
};

/** The picture, then halves of it, down to `least` pixels. */
async function halves(first: ImageBitmap, least: number): Promise<ImageBitmap[]> {
  const levels = [first];
  while (Math.max(levels.at(-1)!.width, levels.at(-1)!.height) > 2 * least) {
    const from = levels.at(-1)!;
    const [resizeWidth, resizeHeight] = [Math.max(1, from.width >> 1), Math.max(1, from.height >> 1)];
    levels.push(await createImageBitmap(from, { resizeWidth, resizeHeight, resizeQuality: "medium" }));
  }
  return levels;
}

async function decode({ id, url, least, range }: Asked): Promise<void> {
  const headers: Record<string, string> = range ? { range: `bytes=${range[0]}-${range[1] - 1}` } : {};
  // Parts of one file are not kept by the browser: it would fetch them one after another.
  const answer = await fetch(url, { credentials: "same-origin", headers, cache: range ? "no-store" : "default" });
  if (!answer.ok) throw new Error(`The picture answered ${answer.status}`);
  const blob = await answer.blob();
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(blob, { imageOrientation: "none" });
  } catch {
    return scope.postMessage({ id, blob });
  }
  const levels = await halves(bitmap, least);
  scope.postMessage({ id, levels }, levels);
}

scope.onmessage = ({ data }) => {
  decode(data).catch((error: unknown) => scope.postMessage({ id: data.id, error: error instanceof Error ? error.message : String(error) }));
};
