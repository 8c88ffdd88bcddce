"""The page's style: one quiet sheet for screen, dark screen and print, with the system's own fonts."""

STYLE = r"""
:root {
  color-scheme: light dark;
  --paper: #fcfbf8; --panel: #ffffff; --ink: #1d1c1a; --soft: #5f5b54; --rule: #dcd7cd; --faint: #f3f0e9;
  --accent: #1f5a94; --good: #20703f; --bad: #a8322a; --warn: #fbf1d9; --warn-rule: #d9b65a;
  --s0: #1f5fa8; --s1: #c2560f; --s2: #257548; --s3: #7a4aa5; --s4: #ad2f3c; --s5: #0f7c88; --s6: #7d5a2a;
  --s7: #64676d;
  --text: Charter, "Bitstream Charter", "Source Serif 4", "Iowan Old Style", Georgia, "DejaVu Serif", serif;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #15171a; --panel: #1b1e22; --ink: #e7e4de; --soft: #a29e96; --rule: #34383e; --faint: #22262b;
    --accent: #8bb9ea; --good: #7cc795; --bad: #ee8f86; --warn: #332b17; --warn-rule: #8b7434;
    --s0: #74aeee; --s1: #f09a5b; --s2: #75c592; --s3: #bd97e3; --s4: #ef8a93; --s5: #5fc3cc; --s6: #cfa873;
    --s7: #a7abb2;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 17px/1.55 var(--text); }
main, header, footer { max-width: 74rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-top: 3.2rem; }
footer { padding: 2rem 1.5rem 4rem; color: var(--soft); font-size: .85rem; }
a { color: var(--accent); text-decoration-thickness: 1px; text-underline-offset: .18em; }
h1 { font-size: 2.1rem; line-height: 1.2; margin: 0 0 .4rem; font-weight: 600; letter-spacing: -.01em; }
h2 { font-size: 1.4rem; margin: 3.2rem 0 .7rem; padding-bottom: .35rem; border-bottom: 1px solid var(--rule);
  font-weight: 600; }
h3 { font-size: 1.02rem; margin: 0; font-weight: 600; }
p { margin: .5rem 0; max-width: 46rem; }
.lead { color: var(--soft); font-size: 1.02rem; }
nav { font: .85rem var(--sans); margin: 1.2rem 0 0; display: flex; flex-wrap: wrap; gap: .3rem 1.3rem; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: 1rem; background: var(--panel); padding: .4rem .8rem; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
[hidden] { display: none !important; }

.note { border-left: 3px solid var(--warn-rule); background: var(--warn); padding: .6rem 1rem;
  margin: 1.2rem 0; max-width: 60rem; }
.note ul { margin: .2rem 0; padding-left: 1.2rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); gap: 1rem;
  margin: 1.4rem 0 .6rem; padding: 0; list-style: none; }
.cards li { background: var(--panel); border: 1px solid var(--rule); border-radius: 6px;
  padding: .9rem 1.1rem; }
.cards .name { font: .8rem/1.3 var(--sans); color: var(--soft); }
.cards .values { font: 600 1.55rem/1.35 var(--sans); font-variant-numeric: tabular-nums;
  overflow-wrap: anywhere; letter-spacing: -.01em; margin-top: .25rem; }
.cards .from { color: var(--soft); font-weight: 400; }
.cards .change { font: .82rem/1.4 var(--sans); color: var(--soft); font-variant-numeric: tabular-nums; }

.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(29rem, 100%), 1fr));
  gap: 1.3rem 1.5rem; margin-top: 1.1rem; }
figure { margin: 0; background: var(--panel); border: 1px solid var(--rule); border-radius: 6px;
  padding: 1rem 1.1rem .7rem; min-width: 0; display: flex; flex-direction: column; }
figcaption p { font-size: .86rem; line-height: 1.45; color: var(--soft); margin: .15rem 0 .5rem; }
figure > svg { display: block; width: 100%; height: auto; margin-top: auto; }
figure svg text { font: 12.5px var(--sans); fill: var(--soft); font-variant-numeric: tabular-nums; }
.grid { stroke: var(--rule); stroke-width: 1; opacity: .7; }
.axis { stroke: var(--soft); stroke-width: 1; }
.line, .raw { fill: none; stroke: currentColor; stroke-linejoin: round; stroke-linecap: round; }
.line { stroke-width: 2.2; }
.raw { stroke-width: 1; opacity: .34; }
.dot { fill: currentColor; }
.band { fill: currentColor; opacity: .13; }
.s0 { color: var(--s0); } .s1 { color: var(--s1); } .s2 { color: var(--s2); } .s3 { color: var(--s3); }
.s4 { color: var(--s4); } .s5 { color: var(--s5); } .s6 { color: var(--s6); } .s7 { color: var(--s7); }
.line.s1 { stroke-dasharray: 8 4; } .line.s2 { stroke-dasharray: 2 4; }
.line.s3 { stroke-dasharray: 9 4 2 4; }
.line.s4 { stroke-dasharray: 14 4; } .line.s5 { stroke-dasharray: 4 4; }
.line.s6 { stroke-dasharray: 9 3 2 3 2 3; }
.line.s7 { stroke-dasharray: 1 3; }
.hits rect { fill: transparent; }
.hits g:hover rect { fill: var(--ink); opacity: .07; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; margin: 0 0 .3rem; padding: 0; list-style: none;
  font: .8rem/1.6 var(--sans); }
.legend .how { color: var(--soft); }
.legend b { font-weight: 600; font-variant-numeric: tabular-nums; }
.swatch { width: 26px; height: 10px; margin-right: .4rem; }
.readout { font: .76rem/1.35 var(--sans); color: var(--soft); min-height: 1.35em; margin: 0;
  font-variant-numeric: tabular-nums; }

summary { cursor: pointer; }
.data > summary { font: .76rem var(--sans); color: var(--soft); }
.scroll { overflow: auto; max-height: 22rem; margin-top: .4rem; }
table { border-collapse: collapse; font: .82rem/1.45 var(--sans); font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding: .2rem 0 .4rem; }
th, td { padding: .22rem .8rem .22rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--rule); overflow-wrap: anywhere; }
thead th { color: var(--soft); font-weight: 500; }
tbody th { font-weight: 500; }
.numbers td, .numbers thead th:not(:first-child) { text-align: right; white-space: nowrap; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: .55rem 2rem;
  margin: 1rem 0; font-size: .92rem; }
.pair .facts, .body .facts { grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); }
.facts dt { font: .76rem/1.4 var(--sans); color: var(--soft); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.file { font: .8rem/1.5 var(--mono); background: var(--faint); border-radius: 6px; padding: .9rem 1.1rem;
  overflow: auto; max-height: 34rem; white-space: pre; tab-size: 2; }
.block > summary { font: .9rem var(--sans); color: var(--accent); padding: .3rem 0; }

.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1.3rem;
  margin-top: 1rem; }
.pair section { background: var(--panel); border: 1px solid var(--rule); border-radius: 6px;
  padding: .9rem 1.1rem; min-width: 0; }
.pair h3 { display: flex; gap: .7rem; align-items: baseline; flex-wrap: wrap; margin-bottom: .5rem; }
.said { font: .84rem/1.55 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere;
  unicode-bidi: plaintext; }
.prefill, .cut { color: var(--soft); }
.cut { font-family: var(--sans); font-style: italic; }
.thoughts { border-left: 2px solid var(--rule); padding-left: .9rem; margin: .3rem 0; }
.thoughts > summary, .prompt > summary { font: .8rem var(--sans); color: var(--soft); }
.right { color: var(--good); } .wrong { color: var(--bad); } .unknown { color: var(--soft); }
.verdict { font: 600 .82rem var(--sans); white-space: nowrap; }

#filters { display: flex; flex-wrap: wrap; gap: .6rem .9rem; align-items: end; font: .82rem var(--sans);
  margin: 1rem 0 .4rem; position: sticky; top: 0; background: var(--paper); padding: .6rem 0; z-index: 1;
  border-bottom: 1px solid var(--rule); }
#filters label { display: grid; gap: .15rem; color: var(--soft); }
#filters input, #filters select, #filters button { font: inherit; color: var(--ink); background: var(--panel);
  border: 1px solid var(--rule); border-radius: 4px; padding: .3rem .5rem; min-height: 2rem; }
#filters .search { flex: 1 1 14rem; }
#filters .search input { width: 100%; }
#filters input[type=number] { width: 5.5rem; }
#filters button { cursor: pointer; }
#count, #keys { font: .8rem var(--sans); color: var(--soft); }
kbd { font: .92em var(--mono); border: 1px solid var(--rule); border-radius: 3px; padding: 0 .3em; }
.samples { margin-top: .4rem; border-top: 1px solid var(--rule); }
.sample { border-bottom: 1px solid var(--rule); content-visibility: auto;
  contain-intrinsic-size: auto 2.4rem; }
.sample > summary { display: grid; grid-template-columns: 4.5rem 8.5rem minmax(6rem, 10rem) 1fr 6.5rem 6rem;
  gap: 0 .9rem; padding: .45rem .3rem; font: .83rem/1.5 var(--sans); font-variant-numeric: tabular-nums;
  list-style: none; align-items: baseline; }
.sample > summary::-webkit-details-marker { display: none; }
.sample > summary:hover, .sample[open] > summary { background: var(--faint); }
.sample > summary span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-width: 0; }
.sample > summary .num { text-align: right; }
.sample .where { color: var(--soft); }
.body { padding: .6rem 1rem 1.2rem; }
.body > * + * { margin-top: .7rem; }
@media (max-width: 50rem) {
  body { font-size: 16px; }
  .sample > summary { grid-template-columns: 4.5rem 1fr 5rem; }
  .sample .where, .sample .problem, .sample .tokens { display: none; }
  #filters { position: static; }
}
@media screen and (max-width: 36rem) { figure svg text { font-size: 18px; } }
@media print {
  body { font-size: 10.5pt; background: none; }
  header { padding-top: 0; }
  main, header, footer { max-width: none; padding: 0; }
  nav, #filters, #keys, #count, .readout, .hits, .skip { display: none !important; }
  figure, .cards li, .pair section { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .figures { grid-template-columns: 1fr 1fr; }
  .data:not([open]) { display: none; }
  .sample { content-visibility: visible; }
  .scroll, .file { max-height: none; overflow: visible; white-space: pre-wrap; }
}
"""
