/** A command as one would type it. */
export function shownCommand(argv: readonly string[]): string {
  return argv.map(typed).join(' ');
}

function typed(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
