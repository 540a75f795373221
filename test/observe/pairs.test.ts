// Which socket is piped into which, on real connections: through net, TLS, transforms and the bodies of HTTP.
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { PassThrough, pipeline } from 'node:stream';
import tls from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { pairOf, pipeTargetOf } from '../../src/observe/pairs.ts';
import { SocketRecord } from '../../src/sockets/record.ts';
import { createCertificate } from '../support/certificate.ts';
import { CleanUps } from '../support/clean-ups.ts';
import { until } from '../support/wait.ts';

const certificate = createCertificate();
const cleanUps = new CleanUps();

afterEach(async () => {
  await cleanUps.run();
});

/** A connection of net, or of TLS: what was accepted. */
async function accept(isTls = false): Promise<net.Socket> {
  const server = isTls ? tls.createServer(certificate) : net.createServer();
  const port = await cleanUps.serve(server);
  const options = { port, host: '127.0.0.1', rejectUnauthorized: false };
  const [[accepted]] = (await Promise.all([
    once(server, isTls ? 'secureConnection' : 'connection'),
    cleanUps.keep(isTls ? tls.connect(options) : net.connect(options)),
  ])) as [[net.Socket], net.Socket];
  return cleanUps.keep(accepted);
}

describe.each([
  ['net', false],
  ['TLS', true],
])('%s', (_title, isTls) => {
  test('is piped both ways, through a transform, by pipeline(), and no more once it is unpiped', async () => {
    const [one, other] = await Promise.all([accept(isTls), accept(isTls)]);
    expect([pipeTargetOf(one), pipeTargetOf(other)]).toEqual([undefined, undefined]);
    one.pipe(other);
    expect([pipeTargetOf(one), pipeTargetOf(other)]).toEqual([other, undefined]);
    other.pipe(new PassThrough()).pipe(new PassThrough()).pipe(one);
    expect([pipeTargetOf(one), pipeTargetOf(other)]).toEqual([other, one]);
    one.unpipe(other);
    other.unpipe();
    expect([pipeTargetOf(one), pipeTargetOf(other)]).toEqual([undefined, undefined]);
    pipeline(one, new PassThrough(), other, () => undefined);
    expect(pipeTargetOf(one)).toBe(other);
  });
});

test('a socket that is piped into itself, or into no socket, has no other half', async () => {
  const [echo, sink, lost] = await Promise.all([accept(), accept(), accept()]);
  echo.pipe(echo);
  sink.pipe(new PassThrough());
  const endless = new PassThrough();
  lost.pipe(endless).pipe(endless);
  expect([echo, sink, lost].map(pipeTargetOf)).toEqual([undefined, undefined, undefined]);
});

test('of several streams that a socket is piped into, the first that leads to a socket counts', async () => {
  const [one, other] = await Promise.all([accept(), accept()]);
  one.pipe(new PassThrough());
  one.pipe(other);
  expect(pipeTargetOf(one)).toBe(other);
});

test('the other half is the one that a socket is piped into, else one that is piped into it', async () => {
  const [one, other, third] = await Promise.all([accept(), accept(), accept()]);
  one.pipe(other);
  const record = new SocketRecord(one, 0, 0);
  const sources = new Map<object, SocketRecord>([[other, record]]);
  expect([pairOf(one, sources), pairOf(other, sources), pairOf(third, sources)]).toEqual([other, one, undefined]);
  expect(pairOf(other, undefined)).toBeUndefined();
});

test('a proxy of HTTP: the upload leads to the upstream, the answer back to the client', async () => {
  const upstream = await cleanUps.serve(
    http.createServer((request, response) => {
      request.resume();
      response.write('begun');
    }),
  );
  let front: net.Socket | undefined;
  let back: net.Socket | null | undefined;
  const proxy = http.createServer((request, response) => {
    front = request.socket;
    const forwarded = cleanUps.keep(http.request({ port: upstream, host: '127.0.0.1', method: 'POST' }));
    forwarded.on('response', (answer) => {
      answer.pipe(response);
      back = forwarded.socket;
    });
    request.pipe(forwarded);
  });
  const port = await cleanUps.serve(proxy);
  const client = cleanUps.keep(http.request({ port, host: '127.0.0.1', method: 'POST' }));
  client.on('response', (response) => response.resume()).write('half');
  await until(
    () => !!back,
    () => 'the answer of the upstream',
  );
  expect(pipeTargetOf(front as net.Socket)).toBe(back);
  expect(pipeTargetOf(back as net.Socket)).toBe(front);
});

test('an answer that is complete, and waits in a pipe that stands still, leads on', async () => {
  const port = await cleanUps.serve(http.createServer((_request, response) => response.end('whole')));
  const other = await accept();
  const agent = new http.Agent({ keepAlive: true });
  cleanUps.push(() => agent.destroy());
  const request = cleanUps.keep(http.get({ port, host: '127.0.0.1', agent }));
  request.on('response', (answer) => answer.pipe(other) && answer.pause());
  const parser = (): unknown => (request.socket as { parser?: unknown } | null)?.parser;
  await until(
    () => parser() === null,
    () => 'the end of the answer',
  );
  expect(pipeTargetOf(request.socket as net.Socket)).toBe(other);
});

test('more than seven transforms are not followed', async () => {
  const [near, far, target] = await Promise.all([accept(), accept(), accept()]);
  const through = (from: net.Socket, count: number): void => {
    let end: NodeJS.ReadableStream = from;
    for (let index = 0; index < count; index++) end = end.pipe(new PassThrough());
    end.pipe(target);
  };
  through(near, 7);
  through(far, 8);
  expect([pipeTargetOf(near), pipeTargetOf(far)]).toEqual([target, undefined]);
});

test('an upload that is piped into a file or nowhere leads to no socket', async () => {
  const seen: net.Socket[] = [];
  const port = await cleanUps.serve(
    http.createServer((request) => {
      request.pipe(new PassThrough());
      seen.push(request.socket);
    }),
  );
  cleanUps.keep(http.request({ port, host: '127.0.0.1', method: 'POST' })).write('half');
  await until(
    () => seen.length === 1,
    () => 'the request',
  );
  expect(pipeTargetOf(seen[0] as net.Socket)).toBeUndefined();
});
