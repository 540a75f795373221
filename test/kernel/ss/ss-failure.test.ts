import { describe, expect, it } from 'vitest';
import {
  judgeComplaint,
  judgeExitCode,
  judgeSpawnError,
  maySayFailure,
  signalOf,
} from '../../../src/kernel/ss/ss-failure.ts';

describe('what ss writes to stderr', () => {
  it.each([
    ['Failed to find cgroup2 mount', undefined],
    ['Failed to open cgroup2 by ID', undefined],
    ['Failed to open cgroup2 mount', undefined],
    ['Failed to open mounts file: No such file or directory', undefined],
    ['Failed to read value of symbolic link /proc/self/fd/5', undefined],
    ['', undefined],
    ['Cannot open netlink socket: Operation not permitted', 'netlink_denied_fallback'],
    ['Cannot bind netlink socket: Permission denied', 'netlink_denied_fallback'],
    ['netlink receive error No buffer space available (105)', 'netlink_partial'],
    ['RTNETLINK answers: Device or resource busy', 'netlink_partial'],
    ['EOF on netlink', 'netlink_partial'],
    ['Dump was interrupted and may be inconsistent.', 'netlink_partial'],
    ['Message truncated', 'netlink_partial'],
    ['!!!Remnant of size 12', 'netlink_partial'],
    ['something new', 'degraded'],
  ])('%j means %s', (line, verdict) => {
    expect(judgeComplaint(line)).toBe(verdict);
    // The quick look at many lines may be wrong in one way only.
    const failure = verdict !== undefined && verdict !== 'degraded';
    expect(maySayFailure(`one\n${line}\ntwo\n`)).toBe(failure);
  });
});

describe('an exit code', () => {
  it.each([
    [1, 'usage', undefined],
    [2, 'usage', undefined],
    [126, 'eacces', undefined],
    [127, 'enoent', undefined],
    [128, 'usage', undefined],
    [137, 'signalled', 'SIGKILL'],
    [143, 'signalled', 'SIGTERM'],
    [159, 'signalled', 'SIGSYS'],
    [192, 'signalled', 'signal 64'],
    [193, 'usage', undefined],
    [255, 'unsupported_option', undefined],
  ])('%i is %s', (code, reason, signal) => {
    expect(judgeExitCode(code)).toBe(reason);
    expect(signalOf(code)).toBe(signal);
  });
});

describe('an error of spawn', () => {
  it.each([
    ['ENOENT', 'enoent'],
    ['EACCES', 'eacces'],
    ['EPERM', 'eacces'],
    ['ERR_ACCESS_DENIED', 'eacces'],
    ['EAGAIN', 'spawn_failed'],
    ['EMFILE', 'spawn_failed'],
    [undefined, 'spawn_failed'],
  ])('%s is %s', (code, reason) => {
    expect(judgeSpawnError(code)).toBe(reason);
  });
});
