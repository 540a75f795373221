import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { DEFAULT_PREFIX } from '../metrics/catalogue.ts';
import { isMetricPrefix, PREFIX_RULE } from '../metrics/prefix.ts';
import type { CommandContext } from './command-line.ts';
import { EXIT } from './exit-code.ts';
import { isJobLabel, JOB_LABEL_RULE } from './job-label.ts';
import { nextSteps } from './next-steps.ts';
import { packagedFiles } from './packaged-files.ts';
import { DEFAULT_JOB_LABEL, rewritten } from './rewritten.ts';
import { planOf, write } from './written-files.ts';

interface Options {
  readonly out: string;
  readonly prefix: string;
  readonly jobLabel: string;
  readonly runbookUrl?: string;
  readonly recorded?: true;
  readonly force?: true;
}

const EXAMPLES = `
Examples:
  npx finwait dashboards --out monitoring
  npx finwait dashboards --out monitoring --prefix shop_tcp_        # registerPrometheus(monitor, { prefix: 'shop_tcp_' })
  npx finwait dashboards --out monitoring --job-label service       # where relabelling has renamed job
  npx finwait dashboards --out monitoring --runbook-url https://wiki.example.com/finwait
  npx finwait dashboards --out monitoring --recorded                # for fleets of thousands, over the recording rules

It writes dashboards/, prometheus/, kubernetes/, provisioning/, compose.yaml and runbook.md, and then says what to do with
them. Run it again after an update: what it wrote itself is replaced, a file of yours or one that you changed is not.
`;

/** `finwait dashboards`: copies dashboards, rules and provisioning out of the package, under the names of this user. */
export function dashboardsCommand({ say, complain, packaged }: CommandContext, end: (code: number) => void): Command {
  return new Command('dashboards')
    .description('Write the Grafana dashboards, Prometheus rules, provisioning and runbook into a folder.')
    .requiredOption('-o, --out <dir>', 'the folder to write into; it is made if it is not there')
    .option('--prefix <prefix>', 'what the names of your metrics begin with', prefixOf, DEFAULT_PREFIX)
    .option('--job-label <label>', 'the label that names a service in your Prometheus', labelOf, DEFAULT_JOB_LABEL)
    .option('--runbook-url <url>', 'where runbook.md can be read; alerts link to its headings', urlOf)
    .option('--recorded', 'the fleet dashboard over the recording rules, for thousands of processes')
    .option('--force', 'replace files that are not from this command too, or were changed since')
    .addHelpText('after', EXAMPLES)
    .action((options: Options) => {
      const folder = resolve(options.out);
      const files = rewritten(packagedFiles(packaged, options.recorded === true), options);
      const plan = planOf(folder, files);
      if (plan.foreign.length > 0 && options.force !== true) {
        complain(
          `finwait: ${options.out} has files that are not from this command, or were changed since; nothing was written:\n` +
            `${plan.foreign.map((path) => `  ${path}\n`).join('')}` +
            'Choose another folder, or --force to replace them.\n',
        );
        end(EXIT.failed);
        return;
      }
      write(folder, files, plan);
      say(nextSteps(folder, files, plan, options));
    });
}

function prefixOf(value: string): string {
  if (!isMetricPrefix(value)) throw new InvalidArgumentError(`A prefix is ${PREFIX_RULE}.`);
  return value;
}

function labelOf(value: string): string {
  if (!isJobLabel(value)) throw new InvalidArgumentError(JOB_LABEL_RULE);
  return value;
}

function urlOf(value: string): string {
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol)) {
    throw new InvalidArgumentError('It is an address that begins with http:// or https://.');
  }
  return value;
}
