import type { InsideSample } from '../detect/load-test/load-sample.ts';
import { getText } from './http-text.ts';
import { insideSample } from './inside-sample.ts';

/** Between two scrapes: one costs the target a millisecond or two. */
const INTERVAL_MS = 1_000;
/** A target whose event loop is blocked answers late: what it says then is still worth having. */
const TIMEOUT_MS = 5_000;

/** Asks finwait inside the target, without ever waiting for it: a look takes what has come since the last one. */
export class InsideWatch {
  readonly #url: URL;
  readonly #signal: AbortSignal;
  #newest: InsideSample | undefined;
  #underWay: Promise<void> | undefined;
  #askedAtMs: number = Number.NEGATIVE_INFINITY;
  #failure: string | undefined;

  constructor(url: URL, signal: AbortSignal) {
    this.#url = url;
    this.#signal = signal;
  }

  /** Why the last scrape came to nothing; undefined where it did not. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** What has come since the last call, once; asks again if it is time to. */
  take(nowMs: number): InsideSample | undefined {
    if (this.#underWay === undefined && nowMs - this.#askedAtMs >= INTERVAL_MS) {
      this.#askedAtMs = nowMs;
      void this.ask();
    }
    const newest = this.#newest;
    this.#newest = undefined;
    return newest;
  }

  /** Asks now, or waits for the answer that is under way. Never rejects. */
  ask(): Promise<void> {
    this.#underWay ??= this.#scrape().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #scrape(): Promise<void> {
    try {
      const how = { timeoutMs: TIMEOUT_MS, keepsAlive: false, signal: this.#signal };
      const { status, text } = await getText(this.#url, how);
      const sample = insideSample(text);
      this.#failure = sample === undefined ? `the answer (${status}) is not finwait's` : undefined;
      this.#newest = sample ?? this.#newest;
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
    }
  }
}
