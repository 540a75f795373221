import { STATE_COLOURS, STATE_COLOURS_ON_WHITE } from '../../metrics/state-colours.ts';
import type { StateLabel } from '../../tcp/state.ts';

/** What a line is drawn in: the colour of a state, or one that stands for no state. */
export type Colour = StateLabel | keyof typeof OTHERS_ON_WHITE;

/** The ground that a colour stands on. */
export type Ground = 'white' | 'black';

/** For what is no state. `ink` is that of the text. */
const OTHERS_ON_WHITE = {
  petrol: '#1b7288',
  orange: '#bd5a08',
  violet: '#6b57bd',
  magenta: '#b02a6c',
  olive: '#5b7a1a',
  brown: '#80604a',
  slate: '#566072',
  ink: '#1c2129',
} as const;

const OTHERS_ON_BLACK: { readonly [name in keyof typeof OTHERS_ON_WHITE]: string } = {
  petrol: '#52b9d6',
  orange: '#f2994a',
  violet: '#a796f2',
  magenta: '#f27fb2',
  olive: '#a9cb5e',
  brown: '#c9a88e',
  slate: '#a3acba',
  ink: '#e8eaee',
};

/** Every colour of a line by ground: of one hue on both. */
export const COLOURS: { readonly [ground in Ground]: { readonly [colour in Colour]: string } } = {
  white: { ...STATE_COLOURS_ON_WHITE, ...OTHERS_ON_WHITE },
  black: { ...STATE_COLOURS, ...OTHERS_ON_BLACK },
};
