#!/usr/bin/env node
import { runCommandLine } from './cli/command-line.ts';
import { EXIT } from './cli/exit-code.ts';

// Whoever reads our output may go before it ends, as `head` does: that is no error of ours. A full disk is one.
process.stderr.on('error', () => undefined);
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
  if (code !== 'EPIPE') process.once('exit', () => (process.exitCode ||= EXIT.failed));
});

process.exitCode = await runCommandLine(process.argv.slice(2), {
  say: (text) => process.stdout.write(text),
  complain: (text) => process.stderr.write(text),
  packaged: new URL('./grafana/', import.meta.url),
  onSignal: (listener) => {
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
    for (const signal of signals) process.on(signal, listener);
    return () => {
      for (const signal of signals) process.off(signal, listener);
    };
  },
});
