import { packAddress, TUPLE, TUPLE_WORDS } from '../../src/sockets/tuple.ts';

/**
 * A tuple from two endpoints as `ss` prints them.
 *
 * @example tupleOf('127.0.0.1:8080', '[::1]:50000')
 */
export function tupleOf(local: string, peer: string): Uint32Array {
  const tuple = new Uint32Array(TUPLE_WORDS);
  writeEndpoint(local, tuple, TUPLE.localAddress, TUPLE.localPort);
  writeEndpoint(peer, tuple, TUPLE.peerAddress, TUPLE.peerPort);
  return tuple;
}

function writeEndpoint(text: string, tuple: Uint32Array, addressAt: number, portAt: number): void {
  const colon = text.lastIndexOf(':');
  const address = text.slice(0, colon).replace(/^\[|\]$/g, '');
  if (!packAddress(address, tuple, addressAt)) throw new Error(`not an endpoint: ${text}`);
  tuple[portAt] = Number(text.slice(colon + 1));
}
