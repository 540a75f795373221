/**
 * The program of the helper, for any POSIX shell: dash, bash and busybox ash are tested. It is run as `sh -c` and reads
 * from descriptor 0 three lines for each run: a token, the path of ss, its arguments. ss writes into the helper's own
 * stdout and stderr, and what ends a run there is the line `<token> <exit code>`. No word of a request is ever evaluated.
 *
 * - Descriptor 3 is a pipe in which nobody writes. It ends when the process on the other side does, however that ends,
 *   and then the watchdog kills the whole group, a hanging ss included.
 * - SIGTERM to the group ends ss and what ss may have started, and neither the shell, which catches it, nor the watchdog,
 *   which ignores it. The shell sends it too after each run, so that nothing of one run writes into the next. ss gets the
 *   default action: a caught signal is reset by exec, an ignored one is not, which is why the shell does not ignore it.
 * - The end of descriptor 0 ends the helper, which collects its children first: where its parent is the first process of
 *   a container nobody else would. Then it kills itself, with whatever has outlived SIGTERM.
 * - `read` is interrupted by SIGTERM in some shells and leaves its variable as it was; that is no end of the input.
 * - busybox takes no `--` after `kill -KILL`. `$$` is the shell's own number in the subshell as well.
 */
export const HELPER_SCRIPT = `# finwait: runs ss for the process that started this, and ends with it
set -f
trap '' TERM
(read -r nothing <&3; kill -KILL -$$) </dev/null >/dev/null 2>&1 &
watchdog=$!
exec 3<&-
trap 'interrupted=1' TERM
while interrupted= token=; IFS= read -r token || [ -n "$interrupted" ]; do
  [ -n "$token" ] || continue
  IFS= read -r path && IFS=' ' read -r arguments || break
  "$path" $arguments </dev/null
  code=$?
  kill -TERM -$$
  echo "$token $code"
  echo "$token $code" >&2
done
exec </dev/null >/dev/null 2>&1
kill -KILL "$watchdog"
wait
kill -KILL -$$
`;
