import { expect, it } from 'vitest';
import { EVENT, EVENT_NAMES } from '../../src/tcp/event.ts';

it('an event is the place of its name in the list', () => {
  expect(EVENT_NAMES.map((name) => EVENT[name])).toEqual(EVENT_NAMES.map((_, index) => index));
});
