import { networkInterfaces } from 'node:os';
import { isLoopback, packAddress } from '../sockets/tuple.ts';

/** The addresses of this host's interfaces, as text. */
export function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
}

/** The addresses of this host: what goes to one of them arrives here, and both ends are in the same table. */
export class HostAddresses {
  readonly #words: Uint32Array;

  /** @param addresses see {@link ownAddresses}; what is no address is left out */
  constructor(addresses: readonly string[]) {
    const words = new Uint32Array(addresses.length * WORDS);
    let count = 0;
    for (const address of addresses) if (packAddress(address, words, count * WORDS)) count++;
    this.#words = words.slice(0, count * WORDS);
  }

  /** Whether the address at an offset of a tuple is this host's. All of 127.0.0.0/8 is. */
  has(tuple: Uint32Array, offset: number): boolean {
    if (isLoopback(tuple, offset)) return true;
    const words = this.#words;
    for (let at = 0; at < words.length; at += WORDS) {
      if (
        words[at + 3] === tuple[offset + 3] &&
        words[at + 2] === tuple[offset + 2] &&
        words[at + 1] === tuple[offset + 1] &&
        words[at] === tuple[offset]
      ) {
        return true;
      }
    }
    return false;
  }
}

/** Words of an address. */
const WORDS = 4;
