import { describe, expect, test } from 'vitest';
import { durationOf, limitsOf, pidOf, portInCommand, portsOf, urlOf } from '../../src/cli/diagnose-options.ts';
import { LIMIT_KINDS, LIMITS } from '../../src/detect/load-test/finding.ts';

describe('what is understood', () => {
  test.each([
    ['500ms', 500],
    ['60s', 60_000],
    ['1.5s', 1_500],
    ['90', 90_000],
    ['5m', 300_000],
    ['24h', 86_400_000],
    ['0', 0],
  ])('%s is %i ms', (text, ms) => expect(durationOf(text)).toBe(ms));

  test('ports add up, each once', () => {
    expect(portsOf('3000,3001', portsOf('3000'))).toEqual([3000, 3001]);
  });

  test('a limit has a word, which may stand for two kinds; any is all of them', () => {
    expect(limitsOf('leak,overflow')).toEqual(['leak', 'accept_queue_full']);
    expect(limitsOf('ports', limitsOf('leak'))).toEqual(['leak', 'ports_exhausted', 'ports_running_out']);
    expect(limitsOf('keep_alive_race')).toEqual(['keep_alive_race']);
    expect(limitsOf('any')).toEqual([...LIMIT_KINDS]);
    for (const kind of LIMIT_KINDS) expect(limitsOf(LIMITS[kind].word)).toContain(kind);
  });

  test.each([
    [['npx', 'autocannon', 'http://127.0.0.1:3000'], 3000],
    [['wrk', '-c', '100', 'http://localhost:8080/path?x=http://127.0.0.1:1'], 8080],
    [['ab', 'http://localhost/'], 80],
    [['h2load', 'https://[::1]/'], 443],
    [['curl', 'http://example.com:3000/', 'http://127.9.9.9:81/'], 81],
    [['k6', 'run', 'load.js'], undefined],
    [['curl', 'http://127.0.0.1.example.com:3000/'], undefined],
    [['curl', 'http://user:secret@127.0.0.1:3000/'], 3000],
    [['curl', '--url=http://127.0.0.1:3000/'], 3000],
    [['sh', '-c', 'wrk -c 3 http://127.0.0.1:3000/ | tee out'], 3000],
    [['ab', '-n', '100', '127.0.0.1:3000/'], 3000],
    [['autocannon', 'localhost:3000'], 3000],
    [['hey', 'http://10.7.7.7:3000/'], 3000],
    [['hey', 'http://[fd00::7]:3000/'], 3000],
    [['hey', 'http://Build-Host:3000/'], 3000],
    [['sh', 'localhost'], undefined],
    [['docker', 'run', '127.0.0.1:3000:80'], undefined],
    [['curl', 'http://example.com/?next=http://localhost:3000/'], undefined],
    [['curl', 'http://localhost.localdomain:3000/', '-H', 'x-localhost:3000'], undefined],
  ])('%j is a load on port %s', (argv, port) => {
    expect(portInCommand(argv, ['10.7.7.7', 'fd00::7', 'build-host'])).toBe(port);
  });
});

describe('what is not', () => {
  test.each<[(text: string) => unknown, string, RegExp]>([
    [durationOf, '5 minutes', /like 500ms/],
    [durationOf, '-1s', /like 500ms/],
    [durationOf, '25h', /24 hours at most/],
    [portsOf, '0', /1 to 65535/],
    [portsOf, '3000,http', /1 to 65535/],
    [portsOf, '65536', /1 to 65535/],
    [pidOf, '0', /above 0/],
    [pidOf, '1.5', /above 0/],
    [limitsOf, 'leaks', /no 'leaks': it is one of .*\bleak\b.*\bany/],
    [urlOf, 'https://127.0.0.1/', /begins with http:\/\//],
    [urlOf, '9464', /begins with http:\/\//],
  ])('%o %s', (parse, text, problem) => expect(() => parse(text)).toThrow(problem));
});
