import { parseCounterPairs, parseSockstat, parseSockstat6 } from './parse-counters.ts';
import { ProcFile } from './proc-file.ts';

/**
 * What the kernel counts without being asked for a table, for the reader's network namespace unless said otherwise.
 * Undefined is unknown: the file could not be read (see `missing`), or this kernel has no such number.
 *
 * What does not say `now` only ever grows, from the creation of the namespace; on 32-bit kernels it wraps at 2^32. Each
 * end of a connection counts for itself, so one over loopback counts twice.
 */
export interface Counters {
  /** Sockets now, listeners among them and mini-sockets not, IPv4. `TCP: inuse` of sockstat. */
  readonly inuse: number | undefined;
  /** The same, IPv6: most sockets of a Node server, which listens on `::`. `TCP6: inuse` of sockstat6. */
  readonly inuse6: number | undefined;
  /** Mini-sockets now, of both families: TIME_WAIT, and orphans in FIN_WAIT_2. Not the number of TIME_WAIT rows. */
  readonly timeWait: number | undefined;
  /** Orphans now, of the whole host, neighbouring containers included. */
  readonly orphans: number | undefined;
  /** TCP sockets now, of the whole host, closed ones included. */
  readonly allocated: number | undefined;
  /** Pages of memory in socket buffers now, of the whole host. */
  readonly memoryPages: number | undefined;

  /** Connections now that are ESTABLISHED or CLOSE_WAIT (RFC 4022, tcpCurrEstab). */
  readonly currentEstablished: number | undefined;
  /** Connections opened by connect(2), also those that came to nothing. */
  readonly activeOpens: number | undefined;
  /** Connections that a listener's peer opened. */
  readonly passiveOpens: number | undefined;
  /** Connections that went from SYN_SENT or SYN_RECEIVED to CLOSED: refused, timed out, reset. */
  readonly attemptFails: number | undefined;
  /** ESTABLISHED or CLOSE_WAIT to CLOSED at once, for any reason: our own aborts count too. */
  readonly establishedResets: number | undefined;
  /** Segments sent, retransmitted ones not among them. */
  readonly segmentsSent: number | undefined;
  readonly retransmittedSegments: number | undefined;
  /** RSTs sent, also those that answer a scan of closed ports. */
  readonly resetsSent: number | undefined;

  /** Dropped packets for want of room in an accept queue. One client that tries again counts again. */
  readonly listenOverflows: number | undefined;
  /** Dropped connection attempts for any reason, the overflows among them. */
  readonly listenDrops: number | undefined;
  /** Births of mini-sockets, counted within 250 ms: TIME_WAIT, and orphans in FIN_WAIT_2. */
  readonly timeWaitCreated: number | undefined;
  /** Ports that connect(2) took over from a TIME_WAIT, see net.ipv4.tcp_tw_reuse. */
  readonly timeWaitReused: number | undefined;
  /** TIME_WAITs that were not kept, because there are tcp_max_tw_buckets of them. */
  readonly timeWaitOverflows: number | undefined;
  readonly synRetransmits: number | undefined;
  readonly synCookiesSent: number | undefined;
  /** Connection attempts that met a full queue of half-open connections: answered with a cookie, and dropped. */
  readonly synQueueFullCookies: number | undefined;
  readonly synQueueFullDrops: number | undefined;
  /** Segments sent again to find out whether the last ones were lost: most are not, as with a peer that does not read. */
  readonly lossProbes: number | undefined;
  /** Segments sent again because later ones had arrived: these were lost, or overtaken. */
  readonly fastRetransmits: number | undefined;
  /** How often the retransmission timer fired, of SYNs too. */
  readonly retransmitTimeouts: number | undefined;
  /** Aborts: with data that came after close(2), or by SO_LINGER 0 (`resetAndDestroy()`). */
  readonly abortsOnData: number | undefined;
  /** Aborts: closed with data that nobody had read. */
  readonly abortsOnClose: number | undefined;
  /** Aborts: the peer was silent for too long. */
  readonly abortsOnTimeout: number | undefined;
  /** Aborts: too many orphans, or too little memory. */
  readonly abortsOnMemory: number | undefined;

  /** The files that could not be read, such as `net/sockstat`, which gVisor does not have. */
  readonly missing: readonly string[];
}

/**
 * Reads the kernel's counters, whatever the number of sockets, in about half a millisecond. The files are opened at
 * construction, so they can be read when descriptors have run out. Never throws.
 *
 * @example
 * const reader = new CounterReader();
 * reader.read().listenOverflows; // 9
 * reader.close();
 */
export class CounterReader {
  readonly #files: Readonly<Record<CounterFile, ProcFile>>;

  constructor({ procRoot = '/proc' }: { readonly procRoot?: string } = {}) {
    const open = (name: CounterFile): ProcFile => new ProcFile(`${procRoot}/${name}`);
    this.#files = {
      'net/sockstat': open('net/sockstat'),
      'net/sockstat6': open('net/sockstat6'),
      'net/snmp': open('net/snmp'),
      'net/netstat': open('net/netstat'),
    };
  }

  read(): Counters {
    const missing: string[] = [];
    const text = (name: CounterFile): string => {
      const read = this.#files[name].readText();
      if (read === undefined) missing.push(name);
      return read ?? '';
    };
    const sockstat = parseSockstat(text('net/sockstat'));
    const inuse6 = parseSockstat6(text('net/sockstat6'));
    const tcp = parseCounterPairs(text('net/snmp'), 'Tcp');
    const tcpExt = parseCounterPairs(text('net/netstat'), 'TcpExt');
    return {
      inuse: sockstat.inuse,
      inuse6,
      timeWait: sockstat.tw,
      orphans: sockstat.orphan,
      allocated: sockstat.alloc,
      memoryPages: sockstat.mem,

      currentEstablished: tcp.get('CurrEstab'),
      activeOpens: tcp.get('ActiveOpens'),
      passiveOpens: tcp.get('PassiveOpens'),
      attemptFails: tcp.get('AttemptFails'),
      establishedResets: tcp.get('EstabResets'),
      segmentsSent: tcp.get('OutSegs'),
      retransmittedSegments: tcp.get('RetransSegs'),
      resetsSent: tcp.get('OutRsts'),

      listenOverflows: tcpExt.get('ListenOverflows'),
      listenDrops: tcpExt.get('ListenDrops'),
      timeWaitCreated: tcpExt.get('TW'),
      timeWaitReused: tcpExt.get('TWRecycled'),
      timeWaitOverflows: tcpExt.get('TCPTimeWaitOverflow'),
      synRetransmits: tcpExt.get('TCPSynRetrans'),
      synCookiesSent: tcpExt.get('SyncookiesSent'),
      synQueueFullCookies: tcpExt.get('TCPReqQFullDoCookies'),
      synQueueFullDrops: tcpExt.get('TCPReqQFullDrop'),
      lossProbes: tcpExt.get('TCPLossProbes'),
      fastRetransmits: tcpExt.get('TCPFastRetrans'),
      retransmitTimeouts: tcpExt.get('TCPTimeouts'),
      abortsOnData: tcpExt.get('TCPAbortOnData'),
      abortsOnClose: tcpExt.get('TCPAbortOnClose'),
      abortsOnTimeout: tcpExt.get('TCPAbortOnTimeout'),
      abortsOnMemory: tcpExt.get('TCPAbortOnMemory'),

      missing,
    };
  }

  /** Closes the files: everything is unknown from then on. */
  close(): void {
    for (const file of Object.values(this.#files)) file.close();
  }
}

type CounterFile = 'net/sockstat' | 'net/sockstat6' | 'net/snmp' | 'net/netstat';
