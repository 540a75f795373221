/** An inspector session of this very process, as far as it is used here. */
interface InspectorSession {
  connect(): void;
  disconnect(): void;
  post(method: string, parameters: object, callback: (error: Error | null, result: HeapAnswer) => void): void;
}

interface HeapAnswer {
  readonly result?: { readonly objectId?: string };
  readonly objects?: { readonly objectId?: string };
}

/**
 * Every net.Socket and net.Server that is in the heap, whoever holds it: the one way to find sockets that were there
 * before and keep nothing alive, such as idle ones of a pool. V8 collects garbage for it and walks the heap, which holds
 * the event loop: 0.1 s, and 9 ms more for each MB of heap (measured with 7, 30 and 235 MB on Node 20).
 *
 * @throws Error where Node was built without an inspector, or it refuses
 */
export function findInHeap(): readonly unknown[] {
  const inspector = process.getBuiltinModule('inspector') as unknown as { Session: new () => InspectorSession };
  const session = new inspector.Session();
  const found: unknown[] = [];
  // The inspector answers with remote objects; what they are it tells only to a function that it can find.
  const global = globalThis as { [key: symbol]: unknown };
  const key = Symbol.for('finwait.collect.1');
  Object.defineProperty(global, key, {
    value: (objects: readonly unknown[]) => {
      for (const object of objects) found.push(object);
    },
    configurable: true,
    enumerable: false,
  });
  session.connect();
  try {
    // Of all emitters at once, sockets and servers among them: each question is a garbage collection and a walk.
    const prototype = ask(session, 'Runtime.evaluate', {
      expression: "process.getBuiltinModule('events').prototype",
      objectGroup: GROUP,
    }).result?.objectId;
    const objects = ask(session, 'Runtime.queryObjects', { prototypeObjectId: prototype, objectGroup: GROUP });
    ask(session, 'Runtime.callFunctionOn', {
      objectId: objects.objects?.objectId,
      functionDeclaration: "function () { globalThis[Symbol.for('finwait.collect.1')](this); }",
      silent: true,
    });
  } finally {
    Reflect.deleteProperty(global, key);
    session.post('Runtime.releaseObjectGroup', { objectGroup: GROUP }, () => undefined);
    session.disconnect();
  }
  return found;
}

const GROUP = 'finwait';

/** Within one thread the inspector answers before `post` returns. */
function ask(session: InspectorSession, method: string, parameters: object): HeapAnswer {
  let answer: HeapAnswer | undefined;
  session.post(method, parameters, (error, result) => {
    if (error !== null && error !== undefined) throw error;
    answer = result;
  });
  if (answer === undefined) throw new Error(`the inspector did not answer ${method}`);
  return answer;
}
