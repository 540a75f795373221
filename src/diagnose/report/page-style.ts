import { COLOURS, type Colour, type Ground } from './colours.ts';

/** What is not a line of a plot. */
export const SURFACES: { readonly [ground in Ground]: { readonly [name: string]: string } } = {
  white: {
    page: '#f4f5f7',
    card: '#ffffff',
    ink: '#1c2129',
    soft: '#59626f',
    rule: '#dfe3e8',
    load: '#f3f5f8',
    grid: '#e4e8ed',
    bad: '#b3261e',
    good: '#1e6e34',
    better: '#8a5a00',
    link: '#1d5bc4',
    code: '#eef0f3',
    window: '#b3261e',
  },
  black: {
    page: '#0f1216',
    card: '#171b21',
    ink: '#e8eaee',
    soft: '#a3acba',
    rule: '#2b313a',
    load: '#1d222a',
    grid: '#2a303a',
    bad: '#ff8a80',
    good: '#7bd08f',
    better: '#e6b450',
    link: '#8ab4ff',
    code: '#232932',
    window: '#ff8a80',
  },
};

/** The style of the page: light or dark as the reader's system is, unless told otherwise, and light on paper. */
export function pageStyle(): string {
  return `:root{${variables('white')}}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){${variables('black')}}}
:root[data-theme=dark]{${variables('black')}}
${(Object.keys(COLOURS.white) as Colour[]).map((colour) => `.c-${colour}{--c:var(--c-${colour})}`).join('')}
${RULES}
@media print{:root,:root:not([data-theme=light]),:root[data-theme=dark]{${variables('white')}}}
`;
}

function variables(ground: Ground): string {
  const lines = Object.entries(COLOURS[ground]).map(([name, value]) => `--c-${name}:${value}`);
  const surfaces = Object.entries(SURFACES[ground]).map(([name, value]) => `--${name}:${value}`);
  return [`color-scheme:${ground === 'white' ? 'light' : 'dark'}`, ...surfaces, ...lines].join(';');
}

const RULES = `
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main,header,footer{max-width:1320px;margin:0 auto;padding:0 24px}
h1,h2,h3,h4,p,figure,dl,dd,ol,ul,table{margin:0}
a{color:var(--link)}
code{font:.9em ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;background:var(--code);border-radius:4px;padding:.1em .35em;overflow-wrap:anywhere}
small{font-size:.87em}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
header{display:flex;gap:4px 16px;align-items:center;padding-top:18px;padding-bottom:14px;color:var(--soft);font-size:14px}
header b{color:var(--ink)}
header .target{flex:1;min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
header b,header time{white-space:nowrap}
header button{font:inherit;color:var(--ink);background:var(--card);border:1px solid var(--rule);border-radius:6px;padding:3px 12px;cursor:pointer}
.card{background:var(--card);border:1px solid var(--rule);border-radius:10px}
.hero{padding:26px 28px;border-left:6px solid var(--tone);display:grid;grid-template-columns:minmax(0,1fr);gap:20px 36px}
.tone-bad{--tone:var(--bad)}.tone-good{--tone:var(--good)}.tone-better{--tone:var(--better)}
.eyebrow{color:var(--tone);font-weight:650;font-size:14px;letter-spacing:.01em}
h1{font-size:34px;line-height:1.15;font-weight:700;letter-spacing:-.015em;margin:2px 0 10px;text-wrap:balance}
.lead{font-size:18px;line-height:1.45;max-width:62ch}
.chips{display:flex;flex-wrap:wrap;gap:4px 18px;list-style:none;padding:0;margin-top:12px;color:var(--soft);font-size:14px}
.chips b{color:var(--ink);font-weight:600}
.fix{margin-top:18px}
.fix h2,.fix h4{font-size:15px;font-weight:650;margin-bottom:4px}
.fix ol,.fix ul{padding-left:1.35em}
.fix li{margin:5px 0;max-width:74ch}
.hero .fix li:first-child{font-weight:550}
h2{font-size:20px;letter-spacing:-.01em;margin:34px 0 12px}
.hero h2{margin:0 0 4px;font-size:15px}
.tiles{display:flex;flex-wrap:wrap;gap:1px;background:var(--rule);overflow:hidden;margin-top:14px}
.tiles div{background:var(--card);padding:12px 16px;flex:1 1 132px}
.tiles dt{color:var(--soft);font-size:13px}
.tiles dd{font-size:23px;font-weight:650;line-height:1.25;font-variant-numeric:tabular-nums}
.tiles small{display:block;color:var(--soft);font-size:12.5px;font-weight:400;line-height:1.3}
.finding{padding:18px 22px;border-left:4px solid var(--tone);margin-top:12px}
.finding h3{font-size:18px;line-height:1.3;margin-bottom:4px}
.finding .finding{margin-top:16px;border-radius:0 8px 8px 0;padding:14px 18px}
.finding>p{max-width:78ch}
.goes{margin-top:16px;color:var(--soft);font-weight:600;font-size:14px}
.badge{display:inline-block;min-width:1.55em;padding:0 .4em;border-radius:1em;background:var(--window);color:var(--card);font-size:12px;line-height:1.55;font-weight:700;text-align:center;text-decoration:none;vertical-align:.1em;margin-left:2px}
.evidence{border-collapse:collapse;margin-top:14px;font-size:14px;width:100%;max-width:860px}
.evidence caption{text-align:left;font-weight:650;font-size:15px;padding-bottom:2px}
.evidence th,.evidence td{text-align:left;padding:5px 16px 5px 0;vertical-align:top;border-top:1px solid var(--rule);font-weight:400}
.evidence td:nth-child(2){font-variant-numeric:tabular-nums;font-weight:600}
.evidence td:last-child{color:var(--soft);padding-right:0}
.see{font-size:14px;color:var(--soft);margin-top:12px}
.jumps{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:14px;padding:0;list-style:none}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,400px),1fr));gap:12px}
.plots .plot{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:14px 16px 12px}
.plot{min-width:0;display:flex;flex-direction:column}
.plot h3,.plot h2{margin:0;letter-spacing:0;font-size:15px;line-height:1.35;font-weight:650}
.plot figcaption p{color:var(--soft);font-size:13px;line-height:1.4;min-height:2.8em}
.shared{display:inline-block;border:1px solid var(--rule);border-radius:4px;padding:0 5px;white-space:nowrap}
.canvas{position:relative;padding:28px 4px 20px 54px;margin-top:4px;font-size:11.5px;color:var(--soft);font-variant-numeric:tabular-nums}
.area{position:relative;height:150px;touch-action:pan-y;cursor:crosshair}
.hero .area{height:210px}
svg{display:block;width:100%;height:100%;overflow:visible}
.load{fill:var(--load)}
.grid{stroke:var(--grid);stroke-width:1;vector-effect:non-scaling-stroke}
.bound{stroke:var(--c-ink);stroke-width:1.25;stroke-dasharray:6 4;vector-effect:non-scaling-stroke}
.line{fill:none;stroke:var(--c);stroke-width:1.75;stroke-linejoin:round;stroke-linecap:round;vector-effect:non-scaling-stroke}
.line.dense{stroke-width:1}
.line.c-close_wait{stroke-width:2.75}
.fill{fill:var(--c);opacity:.1}
.ys span{position:absolute;right:100%;margin-right:7px;transform:translateY(50%);white-space:nowrap;line-height:1}
.ys{position:absolute;left:54px;top:28px;bottom:20px;width:0}
.xs{position:relative;height:0}
.xs span{position:absolute;top:5px;transform:translateX(-50%);white-space:nowrap;line-height:1}
.phases{position:absolute;left:54px;right:4px;top:2px;height:16px;line-height:16px}
.phases span{position:absolute;white-space:nowrap;border-bottom:2px solid var(--rule);height:15px}
.phases .before{direction:rtl}
.phases .load{text-align:center;color:var(--ink);font-weight:600;border-color:var(--soft)}
.phases .after{padding-left:4px}
.limit{position:absolute;right:2px;padding:0 3px;font-weight:650;color:var(--ink);line-height:1.25;background:color-mix(in srgb,var(--card) 80%,transparent);margin-bottom:1px}
.window{position:absolute;top:calc(var(--row)*19px);bottom:0;border-top:3px solid var(--window);background:color-mix(in srgb,var(--window) 5%,transparent);pointer-events:none}
.window span{position:absolute;left:0;top:0;background:var(--window);color:var(--card);font-weight:700;font-size:11px;line-height:1.35;padding:0 .45em;border-radius:0 0 5px 0}
.cross{position:absolute;top:0;bottom:0;width:1px;background:var(--ink);pointer-events:none}
.cross b{position:absolute;bottom:100%;left:0;transform:translateX(-50%);background:var(--ink);color:var(--card);border-radius:4px;padding:1px 6px;white-space:nowrap}
.legend{border-collapse:collapse;width:100%;font-size:13px;margin-top:8px;font-variant-numeric:tabular-nums}
.legend th{font-weight:400;text-align:left}
.legend thead th{color:var(--soft);font-size:12px;line-height:1.2}
.legend td,.legend thead th:not(:first-child){text-align:right;padding-left:12px;white-space:nowrap}
.legend td,.legend th{padding-top:1.5px;padding-bottom:1.5px}
.legend td small{color:var(--soft)}
.legend i{display:inline-block;width:14px;height:4px;border-radius:2px;background:var(--c);margin-right:8px;vertical-align:.22em;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.legend .here{display:none;font-weight:650}
.pointing .legend .here{display:table-cell}
.empty{color:var(--soft);font-size:12.5px;line-height:1.4;margin-top:6px}
.flat{color:var(--soft);font-size:14px;margin-top:10px}
.numbers{overflow-x:auto;padding:6px 20px 14px}
.numbers table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
.numbers td,.numbers thead th{text-align:right;padding:3px 0 3px 22px;white-space:nowrap}
.numbers th{font-weight:400;text-align:left;padding:3px 0}
.numbers thead th{color:var(--soft);font-size:13px;vertical-align:bottom;line-height:1.3;padding-top:8px}
.numbers tbody th[colspan]{font-weight:650;padding-top:12px}
.numbers tr+tr th,.numbers tr+tr td{border-top:1px solid var(--rule)}
.about{padding:16px 22px;display:grid;grid-template-columns:max-content minmax(0,1fr);gap:6px 20px;font-size:14px}
.about dt{color:var(--soft)}
.about dd{overflow-wrap:anywhere}
.doubts{padding:14px 22px 14px 40px;font-size:14px;border-left:4px solid var(--better)}
details{padding:12px 22px;font-size:14px;margin-top:12px}
summary{cursor:pointer;font-weight:600}
details dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:4px 20px;margin-top:10px}
details dt i{display:inline-block;width:14px;height:4px;border-radius:2px;background:var(--c);margin-right:8px;vertical-align:.22em}
footer{color:var(--soft);font-size:13px;padding-top:26px;padding-bottom:40px}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
@media (min-width:1000px){.hero.seen{grid-template-columns:minmax(0,1.12fr) minmax(0,1fr)}.hero .evidence-box{grid-column:1/-1}}
@media (max-width:640px){header{flex-wrap:wrap}header .target{order:1;flex:1 0 100%}header time{flex:1}main,header,footer{padding-left:12px;padding-right:12px}.hero{padding:18px 16px}h1{font-size:26px}.lead{font-size:16.5px}.finding{padding:14px}.finding .finding{padding:12px}.evidence,.evidence tbody,.evidence tr,.evidence th,.evidence td{display:block;border:0;padding:0}.evidence thead{display:none}.evidence tr{border-top:1px solid var(--rule);padding:6px 0}.about,details dl{grid-template-columns:minmax(0,1fr);gap:0}.about dd,details dd{margin-bottom:8px}.numbers{padding:6px 12px}.numbers td,.numbers thead th{padding-left:12px}}
@media print{body{font-size:11pt;background:none}header button,.jumps,.cross{display:none}.card,.plots .plot{break-inside:avoid}h2{break-after:avoid}.plots{grid-template-columns:1fr 1fr}main,header,footer{max-width:none;padding:0}.load{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
`;
