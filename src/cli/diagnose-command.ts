import { hostname } from 'node:os';
import { Command, Option } from 'commander';
import type { LimitKind } from '../detect/load-test/finding.ts';
import { ownAddresses } from '../diagnose/host-addresses.ts';
import type { CommandContext } from './command-line.ts';
import { diagnose } from './diagnose.ts';
import { durationOf, limitsOf, pidOf, portInCommand, portsOf, urlOf } from './diagnose-options.ts';
import { EXIT } from './exit-code.ts';

interface Options {
  readonly port?: readonly number[];
  readonly pid?: number;
  readonly duration?: number;
  readonly settle: number;
  readonly url?: URL;
  readonly probe: boolean;
  readonly html?: string;
  readonly json?: string;
  readonly failOn?: readonly LimitKind[];
  readonly quiet?: true;
}

const EXAMPLES = `
Examples:
  npx finwait diagnose --port 3000 -- npx autocannon http://127.0.0.1:3000
  npx finwait diagnose -- wrk -c 100 -d 30s http://127.0.0.1:3000/     # the port is in the address
  npx finwait diagnose --pid 4711 --duration 60s                       # while somebody else makes the load
  npx finwait diagnose --port 3000 --html report.html --json run.json -- npm run load
  npx finwait diagnose --port 3000 --fail-on leak,overflow,reset -- npm run load   # a gate for CI

It looks four times a second through ss and /proc, at the server's sockets and processes, at the load's, and at the
kernel's counters, before, while and after the load, and says what limited it, with the numbers and what to change. It
needs Linux, and the user of the server, or root, to see its descriptors and processor time. Where finwait is in the
server (node --import finwait/register), that is asked too.

Exit code: that of the command; if it did well, 3 where --fail-on has found something, else 0. 1 where it could not look,
2 where it did not understand, 130 after Ctrl-C.
`;

/** `finwait diagnose`: watches a load test and says what limited it. */
export function diagnoseCommand(context: CommandContext, end: (code: number) => void): Command {
  return new Command('diagnose')
    .description('Watch a load test, and say what limited it.')
    .usage('[options] [-- command...]')
    .argument('[command...]', 'what makes the load; it is run, and its exit code passed on')
    .option('-p, --port <port>', 'the port of the server that is tested; several times, or 3000,3001', portsOf)
    .option('--pid <pid>', 'the process that is tested, with its children', pidOf)
    .option('-d, --duration <time>', 'without a command: how long to watch, as 60s or 5m', durationOf)
    .addOption(
      new Option('--settle <time>', 'how long to wait after the load for connections to close')
        .argParser(durationOf)
        .default(10_000, '10s'),
    )
    .option('--url <url>', "where finwait's /metrics of the server are, if not found", urlOf)
    .option('--no-probe', 'do not ask the port for /metrics once before the load')
    .option('--html <file>', 'write a report with plots, one file that needs no network')
    .option('--json <file>', 'write what was seen and found as JSON; - for stdout')
    .option('--fail-on <limits>', 'exit with 3 if one of these was found: leak,overflow,reset,... or any', limitsOf)
    .option('-q, --quiet', 'no progress while it runs')
    .addHelpText('after', EXAMPLES)
    .action(async (argv: readonly string[], options: Options) => {
      const isInferred = options.port === undefined && options.pid === undefined;
      const inferred = isInferred ? portInCommand(argv, [hostname().toLowerCase(), ...ownAddresses()]) : undefined;
      const problem = misunderstanding(argv, options, inferred);
      if (problem !== undefined) {
        context.complain(`finwait: ${problem}\n(finwait diagnose --help has examples)\n`);
        end(EXIT.misunderstood);
        return;
      }
      end(
        await diagnose(context, {
          argv,
          ports: options.port ?? (inferred === undefined ? [] : [inferred]),
          pid: options.pid,
          durationMs: options.duration,
          settleMs: options.settle,
          url: options.url,
          isProbing: options.probe,
          html: options.html,
          json: options.json,
          failOn: options.failOn ?? [],
          isQuiet: options.quiet === true,
        }),
      );
    });
}

function misunderstanding(
  argv: readonly string[],
  { port, pid, duration }: Options,
  inferred: number | undefined,
): string | undefined {
  if (argv[0] === '') return 'the command is empty: is a variable of the shell unset?';
  if (argv.length === 0 && duration === undefined) {
    return 'what makes the load? Give a command after --, or --duration 60s to watch while somebody else makes it';
  }
  if (argv.length > 0 && duration !== undefined) {
    return '--duration is for a load that somebody else makes: a command ends by itself';
  }
  if (port === undefined && pid === undefined && inferred === undefined) {
    return 'which server? Name it by --port or --pid; the command has no address of this host to take it from';
  }
  return undefined;
}
