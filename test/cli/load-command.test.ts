import { afterEach, describe, expect, test } from 'vitest';
import { exitCodeOf, LoadCommand } from '../../src/cli/load-command.ts';
import { livingGroup, processText } from '../support/processes.ts';
import { until } from '../support/wait.ts';

const started: LoadCommand[] = [];
afterEach(() => {
  for (const command of started.splice(0)) command.kill();
});

function start(...argv: string[]): LoadCommand {
  const command = new LoadCommand({ argv, isQuietOnStdout: true });
  started.push(command);
  return command;
}

async function expectNobody(pid: number): Promise<void> {
  await until(
    () => livingGroup(pid).length === 0,
    () => `nobody left: ${processText(livingGroup(pid))}`,
  );
}

describe('an end by itself', () => {
  test.each([
    [['true'], { exitCode: 0 }, 0],
    [['sh', '-c', 'exit 7'], { exitCode: 7 }, 7],
    [['sh', '-c', 'kill -KILL $$'], { signal: 'SIGKILL' }, 137],
  ])('%j: %j, which a shell calls %i', async (argv, end, code) => {
    const command = start(...argv);
    expect(await command.running.ended).toEqual(end);
    expect(exitCodeOf(end)).toBe(code);
    expect(command.failure).toBeUndefined();
  });

  test('a command that is not there fails as in a shell, and says so', async () => {
    const command = start('no-such-command-at-all');
    expect(await command.running.ended).toEqual({ exitCode: 127 });
    expect(command.failure).toBe('no-such-command-at-all cannot be started: no such command');
    const folder = start('/');
    expect(await folder.running.ended).toEqual({ exitCode: 126 });
  });
});

describe('an end that is asked for', () => {
  test('ends what the command has started too', async () => {
    const command = start('sh', '-c', 'sleep 60 & sleep 60 & wait');
    const { pid, ended } = command.running;
    await until(
      () => livingGroup(pid).length === 3,
      () => 'three of them run',
    );
    await command.end('SIGINT');
    expect(await ended).toEqual({ signal: 'SIGINT' });
    await expectNobody(pid);
  });

  test('ends one that takes no signal', async () => {
    const command = start('sh', '-c', "trap '' INT TERM; while :; do sleep 1; done");
    const { pid, ended } = command.running;
    await until(
      () => livingGroup(pid).length === 2,
      () => 'it runs',
    );
    await command.end('SIGINT');
    expect(await ended).toEqual({ signal: 'SIGKILL' });
    await expectNobody(pid);
  });

  test('lets one end in its own way, and reports its code', async () => {
    const command = start('sh', '-c', "trap 'exit 42' INT; while :; do sleep 0.05; done");
    const { pid, ended } = command.running;
    await until(
      () => livingGroup(pid).length === 2,
      () => 'it runs',
    );
    await command.end('SIGINT');
    expect(await ended).toEqual({ exitCode: 42 });
    await expectNobody(pid);
  });
});
