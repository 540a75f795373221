import { describe, expect, it } from 'vitest';
import { parseEndpoint } from '../../src/kernel/parse-endpoint.ts';
import { packAddress, TUPLE, TUPLE_WORDS } from '../../src/sockets/tuple.ts';

const READABLE: readonly (readonly [text: string, address: string, port: number])[] = [
  ['127.0.0.1:8080', '127.0.0.1', 8080],
  ['255.255.255.255:65535', '255.255.255.255', 65535],
  ['0.0.0.0:*', '0.0.0.0', 0],
  ['0.0.0.0%eth0:8006', '0.0.0.0', 8006],
  ['10.99.0.1%eth0.100:8006', '10.99.0.1', 8006],
  ['*:8002', '::', 8002],
  ['*%eth0:8006', '::', 8006],
  ['*:*', '::', 0],
  ['[::]:8004', '::', 8004],
  [':::8003', '::', 8003],
  [':::*', '::', 0],
  ['[::1]:8010', '::1', 8010],
  ['::1:8010', '::1', 8010],
  ['[1::]:1', '1::', 1],
  ['1:::1', '1::', 1],
  ['[fd99::2]:9002', 'fd99::2', 9002],
  ['fd99::2:9002', 'fd99::2', 9002],
  ['[fe80::203d:d0ff:fe89:fceb]%eth0:8005', 'fe80::203d:d0ff:fe89:fceb', 8005],
  ['[fe80::203d:d0ff:fe89:fceb%eth0]:8005', 'fe80::203d:d0ff:fe89:fceb', 8005],
  ['fe80::203d:d0ff:fe89:fceb%eth0:8005', 'fe80::203d:d0ff:fe89:fceb', 8005],
  ['[fe80::1]%ünterface:80', 'fe80::1', 80],
  ['[::ffff:127.0.0.1]:8003', '127.0.0.1', 8003],
  ['::ffff:127.0.0.1:8003', '127.0.0.1', 8003],
  ['[::ffff:7f00:1]:8003', '127.0.0.1', 8003],
  ['[::10.0.0.1]:1', '::a00:1', 1],
  ['[64:ff9b::192.0.2.33]:443', '64:ff9b::c000:221', 443],
  ['[2001:DB8:1:2:3:4:5:6]:443', '2001:db8:1:2:3:4:5:6', 443],
  ['2001:db8:1:2:3:4:5:6:443', '2001:db8:1:2:3:4:5:6', 443],
  ['[1:2:3:4:5:6:1.2.3.4]:1', '1:2:3:4:5:6:102:304', 1],
  ['[1:2:3:4:5:6:7::]:1', '1:2:3:4:5:6:7:0', 1],
];

const UNREADABLE: readonly string[] = [
  '',
  ':',
  '*',
  ':80',
  '127.0.0.1',
  '127.0.0.1:',
  '127.0.0.1:65536',
  '127.0.0.1:000080',
  '127.0.0.1:http',
  '127.0.0:80',
  '127.0.0.1.1:80',
  '256.0.0.1:80',
  '1..0.1:80',
  '0001.0.0.1:80',
  '**:80',
  '[::1:80',
  '::1]:80',
  '[]:80',
  '[127.0.0.1]:80',
  '[::1]x:80',
  '[::1::]:80',
  '[1:2:3:4:5:6:7]:80',
  '[1:2:3:4:5:6:7:8:9]:80',
  '[1:2:3:4:5:6:7:1.2.3.4]:80',
  '[1::2:3:4:5:6:7:8]:80',
  '[12345::]:80',
  '[1:]:80',
  '[:1]:80',
  '[::g]:80',
  '%eth0:80',
];

describe('an endpoint in the words of ss', () => {
  it.each(READABLE)('%s is %s, port %i', (text, address, port) => {
    const expected = new Uint32Array(TUPLE_WORDS);
    expect(packAddress(address, expected, TUPLE.peerAddress)).toBe(true);
    expected[TUPLE.peerPort] = port;

    const words = new Uint32Array(TUPLE_WORDS);
    const bytes = Buffer.from(`before ${text} after`);
    const end = bytes.length - ' after'.length;
    expect(parseEndpoint(bytes, 'before '.length, end, words, TUPLE.peerAddress, TUPLE.peerPort)).toBe(true);
    expect(words).toEqual(expected);
  });

  it.each(UNREADABLE)('%j is none', (text) => {
    const bytes = Buffer.from(`before* ${text} *:1`);
    const from = 'before* '.length;
    const to = bytes.length - ' *:1'.length;
    const words = new Uint32Array(TUPLE_WORDS);
    expect(parseEndpoint(bytes, from, to, words, TUPLE.localAddress, TUPLE.localPort)).toBe(false);
  });
});
