import { expect, it } from 'vitest';
import { shownCommand } from '../../../src/diagnose/report/shown-command.ts';
import { withoutSecrets } from '../../../src/diagnose/secrets.ts';

it.each([
  [
    ['npx', 'autocannon', '-c', '100', 'http://127.0.0.1:3000/a?b=c'],
    "npx autocannon -c 100 'http://127.0.0.1:3000/a?b=c'",
  ],
  [['wrk', '-H', 'Authorization: Bearer abc.def', 'http://h'], "wrk -H 'Authorization: ***' http://h"],
  [['wrk', '-H', 'authorization: Basic dXNlcjpwYXNz'], "wrk -H 'authorization: ***'"],
  [['wrk', '-H', 'Cookie: sid=s3cr3t; theme=dark'], "wrk -H 'Cookie: ***'"],
  [['wrk', '-H', 'X-Api-Key: s3cr3t'], "wrk -H 'X-Api-Key: ***'"],
  [['curl', 'http://user:s3cr3t@h/'], "curl 'http://***@h/'"],
  [['curl', 'http://h/?access_token=s3cr3t&n=1'], "curl 'http://h/?access_token=***&n=1'"],
  [['env', 'DB_PASSWORD=s3cr3t', 'node', 'a.js'], "env 'DB_PASSWORD=***' node a.js"],
  [['load', '--token', 's3cr3t', '--password=s3cr3t'], "load --token '***' '--password=***'"],
  [['sh', '-c', "echo 'a b'"], "sh -c 'echo '\\''a b'\\'''"],
  [['wrk', '-H', 'Connection: close'], "wrk -H 'Connection: close'"],
  [['k6', 'run', 'cookie-test.js', '--tokens.js'], 'k6 run cookie-test.js --tokens.js'],
])('%j is recorded and shown as %s', (argv, shown) => {
  expect(shownCommand(withoutSecrets(argv))).toBe(shown);
  // Once is enough, and twice does no harm.
  expect(withoutSecrets(withoutSecrets(argv))).toEqual(withoutSecrets(argv));
});
