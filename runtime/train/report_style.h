/* The style sheet of report.html. Series colours keep at least 3:1 against both grounds. */
#ifndef TRAIN_REPORT_STYLE_H
#define TRAIN_REPORT_STYLE_H

static const char report_style[] =
    ":root{color-scheme:light dark;--ground:#fff;--raised:#f4f5f7;--ink:#1c2026;--quiet:#5b6470;--rule:#d9dde3;"
    "--c0:#1f6fd0;--c1:#c4540a;--c2:#1b8a5a;--c3:#8a4fc7;--c4:#b0307a;--c5:#7a6a00;--c6:#0f7f8c;--c7:#5b6470}"
    "@media(prefers-color-scheme:dark){:root{--ground:#15181d;--raised:#1f242b;--ink:#e8eaed;--quiet:#9aa4b1;--rule:#363d47;"
    "--c0:#6aa9f7;--c1:#f2924f;--c2:#4fc596;--c3:#bd93ef;--c4:#ee7fbb;--c5:#d6c24a;--c6:#54c5d3;--c7:#9aa4b1}}"
    "*{box-sizing:border-box}"
    "body{margin:0 auto;max-width:76rem;padding:1.5rem 1rem 4rem;background:var(--ground);color:var(--ink);"
    "font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}"
    "h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2.2rem 0 .4rem}"
    "p{margin:.3rem 0;max-width:60rem}.quiet{color:var(--quiet)}"
    "code,pre{font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}"
    "pre{background:var(--raised);padding:.8rem;overflow-x:auto;border-radius:6px}"
    ".tiles{display:flex;flex-wrap:wrap;gap:.7rem;margin:1rem 0}"
    ".tile{background:var(--raised);border-radius:8px;padding:.6rem .9rem;min-width:8rem}"
    ".tile b{display:block;font-size:1.5rem;font-weight:600;font-variant-numeric:tabular-nums}.tile span{color:var(--quiet);font-size:.85rem}"
    ".pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,34rem),1fr));gap:0 2rem}.pair>*{min-width:0}"
    "svg{display:block;width:100%;height:auto}svg.wide{max-width:46rem}svg.narrow{display:none}svg.key{display:inline-block;width:22px;height:8px;vertical-align:middle}"
    "@media(max-width:37rem){svg.narrow{display:block}svg.wide{display:none}}"
    ".s0{--s:var(--c0)}.s1{--s:var(--c1)}.s2{--s:var(--c2)}.s3{--s:var(--c3)}.s4{--s:var(--c4)}.s5{--s:var(--c5)}.s6{--s:var(--c6)}.s7{--s:var(--c7)}"
    ".line{fill:none;stroke:var(--s);stroke-width:2;stroke-linejoin:round}.dashed{stroke-dasharray:5 4}"
    ".dot{fill:var(--s);stroke:var(--ground);stroke-width:1}.band{fill:var(--s);opacity:.16}.fill{fill:var(--s);opacity:.8}"
    ".grid{stroke:var(--rule);stroke-width:1}.part{stroke:var(--quiet);stroke-width:1}"
    ".axis{fill:var(--quiet);font-size:12px}.end{text-anchor:end}.middle{text-anchor:middle}"
    ".mark line{stroke:var(--ink);stroke-width:1;stroke-dasharray:2 3}.mark circle{fill:var(--ink)}.mark text{fill:var(--ground);font-size:11px;font-weight:600}"
    ".legend{display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;font-size:.9rem}"
    "rect.heat{fill:var(--s)}text.heat{fill:var(--ink);font-size:13px}svg.map{margin:.4rem 0}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}"
    "th,td{padding:.25rem .6rem;text-align:left;border-bottom:1px solid var(--rule);vertical-align:top}th{color:var(--quiet);font-weight:500}"
    "td.number,th.number{text-align:right;white-space:nowrap}td.value{overflow-wrap:anywhere;min-width:16rem}"
    ".confusion td{border:1px solid var(--ground);min-width:2.3rem;text-align:right;"
    "background:color-mix(in srgb,var(--c0) calc(var(--share)*70%),var(--raised))}.confusion td.right{outline:1px solid var(--quiet);outline-offset:-2px}"
    ".bar{display:flex;height:1.4rem;border-radius:6px;overflow:hidden;max-width:45rem;background:var(--raised)}.bar i{display:block;background:var(--s);opacity:.85}"
    "details{margin:.6rem 0}summary{cursor:pointer}";

#endif
