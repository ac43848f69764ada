// A video file in the browser: frames by their number through the server's index of times. A frame counts only when the
// browser says that it presented exactly that one; whatever it cannot do, the server's frames do.

import type { Picture } from "./picture.ts";

/** Frames while playing are drawn no wider than this: they are seen for a moment only. */
const PLAYED = 1600;
const PATIENCE = 2000;

export class Film {
  private readonly video = document.createElement("video");
  /** What the browser calls the time of the first frame: files may begin later than at 0. */
  private start = 0;
  private presented = -1;
  private wanted = -1;
  private seeking: Promise<void> | null = null;
  private stopPlaying: (() => void) | null = null;

  private constructor(
    /** Seconds from the first frame to each. */
    private readonly times: number[],
    private readonly size: [number, number],
  ) {}

  /** Opens a file; null when this browser cannot play it or shows it in another size. */
  static async open(url: string, times: number[], size: [number, number]): Promise<Film | null> {
    const film = new Film(times, size);
    const { video } = film;
    video.muted = true;
    video.preload = "auto";
    video.playsInline = true;
    const first = film.next();
    const failed = new Promise<null>((resolve) => video.addEventListener("error", () => resolve(null), { once: true }));
    video.src = url;
    const time = await Promise.race([first, failed]);
    if (time === null || video.videoWidth !== size[0] || video.videoHeight !== size[1]) {
      film.close();
      return null;
    }
    film.start = time;
    film.presented = 0;
    return film;
  }

  /** The media time of the next frame that is presented; null when none is for a while. */
  private next(): Promise<number | null> {
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        this.video.cancelVideoFrameCallback(handle);
        resolve(null);
      }, PATIENCE);
      const handle = this.video.requestVideoFrameCallback((_, { mediaTime }) => {
        clearTimeout(late);
        resolve(mediaTime);
      });
    });
  }

  /** The number of the frame with this media time. Times in the file are rounded: half a frame either way is the same. */
  private numberAt(mediaTime: number): number {
    const { times } = this;
    const seconds = mediaTime - this.start;
    let [low, high] = [0, times.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const from = middle === 0 ? -Infinity : (times[middle - 1] + times[middle]) / 2;
      if (from <= seconds) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The frame, exactly; null when the browser presents another, or when another was asked for meanwhile. */
  async frame(number: number): Promise<Picture | null> {
    this.wanted = number;
    // One seek at a time: of those asked for meanwhile only the last is worth it.
    while (this.seeking) await this.seeking;
    if (this.wanted !== number) return null;
    if (this.presented !== number) {
      this.seeking = this.seek(number);
      await this.seeking;
    }
    return this.presented === number && this.wanted === number ? this.picture(Infinity) : null;
  }

  private async seek(number: number): Promise<void> {
    const { times } = this;
    const length = (times[number + 1] ?? times[number] + (times[number] - (times[number - 1] ?? 0) || 0.04)) - times[number];
    const presented = this.next();
    this.presented = -1;
    this.video.currentTime = this.start + times[number] + length / 2;
    const time = await presented;
    this.presented = time === null ? -1 : this.numberAt(time);
    this.seeking = null;
  }

  /** What is presented now, with its number. The video may have moved on since it said so, so the picture itself is
   * asked where the browser lets us (pages over HTTPS or on this machine). */
  private played(mediaTime: number): { number: number; picture: Picture } {
    if (typeof VideoFrame === "undefined") return { number: this.numberAt(mediaTime), picture: this.picture(PLAYED) };
    const frame = new VideoFrame(this.video);
    try {
      return { number: this.numberAt(frame.timestamp / 1e6), picture: this.picture(PLAYED, frame) };
    } finally {
      frame.close();
    }
  }

  /** A frame as a picture of the video's size that is stored no wider than `most`. */
  private picture(most: number, frame: CanvasImageSource = this.video): Picture {
    const [width, height] = this.size;
    const scale = Math.min(1, most / width);
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
    canvas.getContext("2d", { alpha: false })!.drawImage(frame, 0, 0, canvas.width, canvas.height);
    return { width, height, levels: [canvas] };
  }

  /** Plays from a frame on; `show` gets each frame that is presented, with its number. Resolves at the end or when stopped. */
  async play(from: number, rate: number, show: (number: number, picture: Picture) => void): Promise<void> {
    const { video } = this;
    if ((await this.frame(from)) === null) return;
    video.playbackRate = rate;
    let handle = 0;
    const ended = new Promise<void>((resolve) => {
      this.stopPlaying = resolve;
      video.addEventListener("ended", () => resolve(), { once: true });
    });
    const presented = (_: number, { mediaTime }: { mediaTime: number }): void => {
      const { number, picture } = this.played(mediaTime);
      this.presented = number;
      show(number, picture);
      handle = video.requestVideoFrameCallback(presented);
    };
    handle = video.requestVideoFrameCallback(presented);
    await video.play().catch(() => this.stopPlaying?.());
    await ended;
    video.cancelVideoFrameCallback(handle);
    video.pause();
    // A last frame may be presented after this: where it stands is found out with the next seek.
    this.presented = -1;
    this.stopPlaying = null;
  }

  stop(): void {
    this.stopPlaying?.();
  }

  close(): void {
    this.stop();
    this.video.removeAttribute("src");
    this.video.load();
  }
}
