import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { clearInterval, setInterval } from '../../globals.ts';
import { killGroup, unref } from './child-group.ts';
import { EndMarker } from './end-marker.ts';
import { HELPER_SCRIPT } from './helper-script.ts';
import { readInTurns } from './read-in-turns.ts';
import { SS_ENVIRONMENT, type SsCommand, type SsListener, type SsProcess } from './ss-process.ts';

/** One run inside the helper. Without a listener it was given up, and only its end is waited for. */
interface HelperRun {
  listener: SsListener | undefined;
  readonly stdout: EndMarker;
  readonly stderr: EndMarker;
  readonly ended: Set<Channel>;
}

type Channel = 'stdout' | 'stderr';

/**
 * A small shell, forked while there is little to copy, that starts ss in our place: the event loop is not held by
 * spawn(2), and it works when this process has no descriptor left. It ends with this process, however that ends, keeps
 * nothing alive, and survives an ss that hangs. See {@link HELPER_SCRIPT}.
 *
 * One run at a time, while it is {@link idle}.
 */
export class SsHelper {
  readonly #child: ChildProcess;
  readonly #onEnd: (failure: Error | undefined) => void;
  #run: HelperRun | undefined;
  #terminator: NodeJS.Timeout | undefined;
  #ended = false;
  /** Why it is made to end: undefined until then, null if that is no failure. */
  #ending: string | null | undefined;

  /**
   * @param shell absolute path of a POSIX shell
   * @param onEnd called once after the helper has ended, with an error unless {@link close} was called
   * @throws what spawn throws where no process may be started; `onEnd` is not called then
   */
  constructor(shell: string, onEnd: (failure: Error | undefined) => void) {
    this.#onEnd = onEnd;
    const child = spawn(shell, ['-c', HELPER_SCRIPT, 'finwait'], {
      // As anything but sh, bash reads ~/.bashrc when its stdin is a socket, and busybox is not a shell.
      argv0: 'sh',
      // Not the host's folder: that could not be unmounted.
      cwd: '/',
      env: SS_ENVIRONMENT,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.#child = child;
    child.on('error', (error) => this.#end(error.message));
    child.on('exit', (code, signal) => this.#end(`it ended by ${signal ?? `exit code ${code}`}`));
    for (const channel of ['stdout', 'stderr'] as const) {
      const pipe = child[channel];
      if (pipe) readInTurns(pipe, (chunk) => this.#take(channel, chunk));
    }
    for (const pipe of this.#pipes()) {
      // 'exit' tells what there is to tell; without a listener the error would end the host.
      pipe.on('error', () => undefined);
      unref(pipe);
    }
    child.unref();
  }

  /** Whether it can take a run now. */
  get idle(): boolean {
    return this.#run === undefined && this.#ending === undefined && !this.#ended && this.#child.pid !== undefined;
  }

  /**
   * Whether it can be asked to run a command: its path and arguments are lines for it, and its arguments are separated
   * by blanks.
   */
  static canRun({ path, args }: SsCommand): boolean {
    return !/[\n\0]/.test(path) && !args.some((arg) => /^$|[\s\0]/.test(arg));
  }

  /** Runs ss. */
  run(command: SsCommand, listener: SsListener): SsProcess {
    const token = randomBytes(16).toString('hex');
    const run: HelperRun = {
      listener,
      stdout: new EndMarker(token, (bytes) => run.listener?.stdout(bytes)),
      stderr: new EndMarker(token, (bytes) => run.listener?.stderr(bytes)),
      ended: new Set(),
    };
    this.#run = run;
    this.#child.stdin?.write(`${token}\n${command.path}\n${command.args.join(' ')}\n`);
    return {
      cancel: () => {
        if (this.#run !== run || run.listener === undefined) return;
        run.listener = undefined;
        this.#terminate();
      },
    };
  }

  /** Ends the helper and a running ss at once; nothing more is told of that. */
  close(): void {
    if (this.#run !== undefined) this.#run.listener = undefined;
    this.#retire(null);
  }

  #take(channel: Channel, chunk: Uint8Array): void {
    const run = this.#run;
    if (run === undefined) {
      // Something of an earlier run has outlived SIGTERM, and the next run must not get its lines.
      if (this.#ending === undefined) this.#retire('it wrote without being asked');
      return;
    }
    if (run.ended.has(channel)) return;
    const code = run[channel].push(chunk);
    if (code === undefined) return;
    run.ended.add(channel);
    if (run.ended.size < CHANNELS) return;
    this.#run = undefined;
    if (this.#ending === undefined) this.#stopTerminating();
    run.listener?.exited(code);
  }

  #retire(why: string | null): void {
    if (this.#ended || this.#ending !== undefined) return;
    this.#ending = why;
    this.#child.stdin?.destroy();
    // Its pipes are read on until it has ended: SIGPIPE would end it before it has collected its children.
    this.#terminate();
  }

  /** Ends ss: with SIGTERM, which the helper survives, and the whole group if that does not help within a second. */
  #terminate(): void {
    if (this.#terminator !== undefined) return;
    let sent = 1;
    killGroup(this.#child, 'SIGTERM');
    // Again and again, because ss may just be about to be started.
    this.#terminator = setInterval(() => {
      if (sent++ < MAX_SIGTERMS) killGroup(this.#child, 'SIGTERM');
      else {
        // That ends the helper too, and it is us who do it.
        if (this.#ending === undefined) this.#ending = 'ss did not end by SIGTERM';
        killGroup(this.#child, 'SIGKILL');
      }
    }, SIGTERM_EVERY_MS);
    this.#terminator.unref();
  }

  #stopTerminating(): void {
    clearInterval(this.#terminator);
    this.#terminator = undefined;
  }

  #end(how: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopTerminating();
    // The end of descriptor 3 ends what is left of the group, should the shell alone have been killed.
    for (const pipe of this.#pipes()) pipe.destroy();
    const listener = this.#run?.listener;
    this.#run = undefined;
    listener?.failed('helper_died', how);
    this.#onEnd(this.#ending === null ? undefined : new Error(`the helper that runs ss: ${this.#ending ?? how}`));
  }

  /** None where descriptors have run out. */
  #pipes(): NonNullable<ChildProcess['stdio'][number]>[] {
    const pipes: ChildProcess['stdio'] | undefined = this.#child.stdio;
    return [...(pipes ?? [])].filter((pipe) => pipe !== null && pipe !== undefined);
  }
}

const CHANNELS = 2;
const SIGTERM_EVERY_MS = 100;
const MAX_SIGTERMS = 10;
