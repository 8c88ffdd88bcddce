"""The rules that a pipeline's page has besides those of every page."""

PIPELINE_STYLE = r"""
:root { --no: #9a4a0c; --yes-back: #e6f1e8; --no-back: #f8ebdd; --open-back: #ecebe7; }
@media screen and (prefers-color-scheme: dark) {
  :root { --no: #f0a868; --yes-back: #1d3325; --no-back: #3a2a1a; --open-back: #2a2d31; }
}
.told p { font-size: 1.12rem; line-height: 1.6; max-width: 50rem; margin: .7rem 0; }
header .facts { margin-top: 1.6rem; }
.badge { font: 600 .8rem/1 var(--sans); padding: .38rem .65rem; border-radius: 1rem; white-space: nowrap;
  display: inline-block; }
.badge.yes { color: var(--good); background: var(--yes-back); }
.badge.no { color: var(--no); background: var(--no-back); }
.badge.open { color: var(--soft); background: var(--open-back); }

.glance { list-style: none; counter-reset: q; padding: 0; margin: 1.2rem 0 0;
  border-top: 1px solid var(--rule); }
.glance li { counter-increment: q; display: grid; align-items: center; gap: .3rem 1.4rem;
  grid-template-columns: 1.6rem minmax(0, 1fr) minmax(8rem, auto) 11.5rem; padding: .75rem .2rem;
  border-bottom: 1px solid var(--rule); }
.glance li::before { content: counter(q); font: 600 1.05rem var(--sans); color: var(--soft); }
.glance small { display: block; font: .8rem/1.45 var(--sans); color: var(--soft); }
.glance a { color: var(--ink); text-decoration-color: var(--rule); }
.glance a:hover { text-decoration-color: currentColor; }
.glance .headline { font: 600 .95rem var(--sans); font-variant-numeric: tabular-nums; text-align: right;
  white-space: nowrap; }
.glance .badge { justify-self: end; }

.question > h2 { border: 0; padding: 0; margin-bottom: .5rem; max-width: 46rem; line-height: 1.3; }
.question { border-top: 1px solid var(--rule); margin-top: 3.2rem; }
.question > h2 { margin-top: 1.6rem; }
.which { display: block; font: 600 .78rem/1.6 var(--sans); letter-spacing: .06em; text-transform: uppercase;
  color: var(--soft); }
.verdicts { display: flex; flex-wrap: wrap; gap: .4rem .9rem; align-items: center; max-width: 60rem;
  margin: .8rem 0; }
.because { color: var(--soft); font-size: .95rem; flex: 1 1 18rem; }
.claim { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr));
  gap: .7rem 2rem; margin: 1rem 0 1.2rem; }
.claim dt { font: .76rem/1.4 var(--sans); color: var(--soft); }
.claim dd { margin: .1rem 0 0; max-width: 36rem; overflow-wrap: anywhere; }

.checks { width: 100%; font-size: .86rem; }
.checks th[scope=row] { width: 27%; padding-right: 1.4rem; }
.checks th, .checks td { padding: .5rem 1rem .5rem 0; }
.checks thead th { border-bottom: 1px solid var(--soft); vertical-align: bottom; }
.checks strong { font-weight: 600; font-size: 1rem; }
.checks small { display: block; font-size: .76rem; color: var(--soft); font-weight: 400; line-height: 1.4; }
.checks .need, .checks .open { color: var(--soft); }
.checks .holds { font-weight: 600; white-space: nowrap; }
.checks .holds.yes { color: var(--good); } .checks .holds.no { color: var(--no); }
.checks .holds.open { font-weight: 400; }
.question .figures > :only-child { grid-column: 1 / -1; }
@media (min-width: 50.01rem) {
  figure:only-child > .dots { columns: 2; column-gap: 2.5rem; }
  figure:only-child > .dots li { break-inside: avoid; }
}
.question figure > svg { overflow: visible; }
.question .figures { margin: 1.5rem 0 .6rem; align-items: start; }

.level { stroke: var(--ink); stroke-width: 1.2; stroke-dasharray: 2 4; opacity: .75; }
.needed { stroke: var(--no); stroke-width: 2; stroke-dasharray: 3 2; }
.interval { stroke-width: 3; opacity: .38; stroke: var(--s0); stroke-linecap: round; }
.interval.before { stroke: var(--soft); }
.mean.after { fill: var(--s0); } .mean.before { fill: var(--panel); stroke: var(--soft); stroke-width: 2; }
.seed.after { fill: var(--s0); opacity: .55; } .seed.before { fill: var(--soft); opacity: .55; }
.dotkey { width: 14px; height: 14px; margin-right: .35rem; vertical-align: -2px; }
.dots { list-style: none; margin: .5rem 0 0; padding: 0; }
.dots li { display: grid; grid-template-columns: minmax(0, 11fr) minmax(0, 19fr); gap: .2rem 1rem;
  align-items: center; padding: .3rem 0; }
.dots li + li { border-top: 1px solid var(--rule); }
.dots p { font: .8rem/1.4 var(--sans); margin: 0; }
.dots svg { width: 100%; height: auto; display: block; }

.story { padding: 1rem 1.1rem .7rem; }
.across { overflow-x: auto; }
.wide { min-width: 46rem; }
.wide svg { display: block; width: 100%; height: auto; }
.wide .names text { fill: var(--ink); font-weight: 600; }
.panel h3 { font: 600 .82rem/1.4 var(--sans); margin: .9rem 0 .1rem; }
.shade { fill: var(--faint); }
.over { overflow-x: auto; }
.costs tbody tr:last-child > * { border-bottom: 0; }
.costs th, .filtered th, .steps th, .costs td, .filtered td, .steps td { padding-right: 1.4rem; }
.filtered td:last-child { max-width: 34rem; }
.sub { margin: 1.8rem 0 .3rem; }
.label { font: .76rem/1.4 var(--sans); color: var(--soft); margin: .8rem 0 .2rem; }
.block .block { margin-left: 1.2rem; }
.block > .facts { margin-left: .1rem; }
code { font: .94em var(--mono); }
.printed { display: none; }
.sample > summary { grid-template-columns: 4.8rem minmax(9rem, 21rem) minmax(6rem, 9rem) 1fr 6.5rem 6rem; }

.body { overflow-x: auto; }
.body th, .body thead th { overflow-wrap: normal; }

@media (max-width: 50rem) {
  .sample > summary { grid-template-columns: 4.8rem 1fr 5rem; }
  .sample > summary .where { display: block; order: 1; grid-column: 1 / -1; font-size: .78rem; }
}
@media screen and (max-width: 36rem) {
  .story svg text { font-size: 12.5px; }
  .dots svg text { font-size: 15px; }
  .dots li { grid-template-columns: minmax(0, 1fr); }
  .glance li { grid-template-columns: 1.3rem minmax(0, 1fr); align-items: baseline; }
  .glance .headline, .glance .badge { grid-column: 2; justify-self: start; text-align: left; }
  .checks, .checks caption, .checks tbody, .checks tr, .checks th[scope=row] { display: block; width: auto; }
  .checks thead { position: absolute; left: -99rem; }
  .checks tr { border-bottom: 1px solid var(--rule); padding: .5rem 0 .6rem; }
  .checks th[scope=row] { padding: 0 0 .25rem; border: 0; }
  .checks td { display: grid; grid-template-columns: 8.2rem minmax(0, 1fr); border: 0; padding: .12rem 0; }
  .checks td::before { content: attr(data-label); color: var(--soft); font-weight: 400; grid-row: span 3; }
  .checks td.none { display: none; }
}
@media print {
  h1 { font-size: 20pt; } h2 { font-size: 14pt; }
  header .facts { grid-template-columns: 1fr 1fr 1fr; font-size: 9pt; }
  .checks { font-size: 8pt; } .checks strong { font-size: 9pt; } .checks small { font-size: 7pt; }
  .checks th, .checks td { padding-right: .6rem; overflow-wrap: normal; }
  .figures figure:not(:only-child) .dots li { grid-template-columns: minmax(0, 1fr); }
  .question .figures > figure > svg text { font-size: 19px; }
  .glance li { grid-template-columns: 1.2rem minmax(0, 1fr) auto 10.5rem; }
  .told p { font-size: 11pt; }
  .question { break-inside: auto; }
  .checks tr, .glance li, .dots li, .panel { break-inside: avoid; }
  .question .figures > :only-child { grid-column: 1 / -1; }
@media (min-width: 50.01rem) {
  figure:only-child > .dots { columns: 2; column-gap: 2.5rem; }
  figure:only-child > .dots li { break-inside: avoid; }
}
.question .figures { grid-template-columns: 1fr 1fr; gap: .8rem; }
  .across, .over { overflow: visible; }
  .wide { min-width: 0; }
  .badge { border: 1px solid currentColor; background: none !important; }
  .block:not([open]), .sample:not([open]) { display: none; }
  .printed { display: block; color: var(--soft); font-style: italic; }
  a { color: inherit; text-decoration: none; }
}
"""
