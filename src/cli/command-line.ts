import { Command, CommanderError } from 'commander';
import { VERSION } from '../version.ts';
import { dashboardsCommand } from './dashboards-command.ts';
import { diagnoseCommand } from './diagnose-command.ts';
import { EXIT } from './exit-code.ts';

/** What a command has of the world. */
export interface CommandContext {
  say(text: string): void;
  complain(text: string): void;
  /** The folder of the package that holds what `dashboards` copies. */
  readonly packaged: URL;
  /** Calls the listener when the process is told to end, instead of ending it. Returns what undoes that. */
  onSignal(listener: (signal: NodeJS.Signals) => void): () => void;
}

/**
 * Runs the command that the arguments name, and returns the exit code of the process: one of {@link EXIT}, or that of a
 * command that it ran itself. Never throws, and never ends the process.
 *
 * @example await runCommandLine(['dashboards', '--out', 'monitoring'], context)
 */
export async function runCommandLine(parameters: readonly string[], context: CommandContext): Promise<number> {
  let code: number = EXIT.done;
  const program = new Command('finwait')
    .description("What a Node.js service's TCP sockets are really doing.")
    .version(VERSION, '-V, --version', 'Print the version of finwait.')
    .helpOption('-h, --help', 'Print this help.')
    .helpCommand('help [command]', 'Print the help of a command.')
    .showHelpAfterError('(finwait --help says what there is)')
    .exitOverride()
    .configureOutput({ writeOut: context.say, writeErr: context.complain });
  const commands = [dashboardsCommand, diagnoseCommand];
  for (const command of commands) {
    program.addCommand(
      command(context, (result) => {
        code = result;
      }).copyInheritedSettings(program),
    );
  }
  try {
    await program.parseAsync(parameters, { from: 'user' });
    return code;
  } catch (error) {
    // Commander has said what was wrong; help and version are no errors, but no command at all is one.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.misunderstood;
    context.complain(`finwait: ${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.failed;
  }
}
