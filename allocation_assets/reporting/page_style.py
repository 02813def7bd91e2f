"""Style sheet of the page: one column on a phone, two on a desk, A4 on paper. Contrasts are at least 4.5 : 1."""

CSS = """
:root{--ink:#1a1f26;--soft:#4a5563;--line:#c9d1da;--paper:#fff;--band:#f3f6f9;--blue:#005a92;--bad:#a33b00;--good:#00624a}
*{box-sizing:border-box}
html{scroll-behavior:smooth}
body{margin:0;color:var(--ink);background:var(--paper);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
header,main,footer,nav{max-width:1240px;margin:0 auto;padding:0 16px}
h1{font-size:1.6rem;margin:16px 0 4px}h2{font-size:1.25rem;margin:0 0 8px}h3{font-size:1.05rem;margin:16px 0 4px}
p{margin:4px 0 8px;max-width:80ch;overflow-wrap:anywhere}.soft{color:var(--soft)}
a{color:var(--blue)}
:focus-visible{outline:3px solid var(--blue);outline-offset:2px}
.skip{position:absolute;left:-9999px}.skip:focus{left:8px;top:8px;background:#fff;padding:8px;z-index:2}
nav ul{display:flex;flex-wrap:wrap;gap:4px 16px;list-style:none;padding:8px 0;margin:0;border-bottom:1px solid var(--line)}
nav a{display:inline-block;padding:4px 0}
section{margin:24px 0;padding-top:8px;border-top:2px solid var(--ink)}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:8px;margin:12px 0;padding:0}
.card{background:var(--band);border:1px solid var(--line);border-radius:6px;padding:8px 12px}
.card dt{font-size:.85rem;color:var(--soft)}.card dd{margin:0;font-size:1.25rem;font-weight:600;overflow-wrap:anywhere}
.card dd.change{font-size:.85rem;font-weight:400}
.bad{color:var(--bad)}.good{color:var(--good)}
.told{overflow-wrap:anywhere;padding-left:1.2em;max-width:90ch}.told li{margin:4px 0}
.pair{display:grid;grid-template-columns:1fr;gap:16px}
@media(min-width:900px){.pair{grid-template-columns:1fr 1fr}}
figure{margin:0 0 16px;min-width:0}figcaption{font-size:.9rem;color:var(--soft)}
.chart{width:100%;min-height:80px;overflow-x:auto}.chart .vega-embed{width:100%}.chart svg{max-width:100%}
.wide{overflow-x:auto;margin:8px 0}
table{border-collapse:collapse;font-size:.85rem;width:100%}
caption{text-align:left;color:var(--soft);padding:4px 0}
th,td{padding:4px 8px;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
thead th{background:var(--band);border-bottom:2px solid var(--ink);vertical-align:bottom}
td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}th.n{text-align:right}
td.d{white-space:nowrap}td.long{min-width:220px}td.blank{min-width:140px;border:1px solid var(--line)}
tr.critical th,tr.high th{border-left:4px solid var(--bad)}
details{margin:4px 0}summary{cursor:pointer;color:var(--blue);padding:4px 0}
pre{background:var(--band);border:1px solid var(--line);padding:8px;overflow-x:auto;font-size:.8rem;white-space:pre-wrap;overflow-wrap:anywhere}
.controls{display:flex;flex-wrap:wrap;gap:8px 16px;align-items:center;margin:8px 0}
select{font:inherit;padding:4px;max-width:100%}
#heat{max-height:70vh;overflow:auto;border:1px solid var(--line)}#heat canvas{display:block}
#cell{min-height:1.5em;font-size:.9rem}
dl.defs dt{font-weight:600;font-size:.85rem;margin-top:6px}dl.defs dd{margin:0;font-size:.85rem;color:var(--soft);max-width:90ch;overflow-wrap:anywhere}
@page{size:A4;margin:12mm}
@media print{
body{font-size:9.5pt;line-height:1.35}nav,.skip,.controls,#cell,.screen{display:none}
header,main,footer{max-width:none;padding:0}section{margin:10pt 0}
table{font-size:6.8pt}th,td{padding:1.5pt 3pt}td{overflow-wrap:break-word}td.long{min-width:0;overflow-wrap:anywhere}td.blank{min-width:40pt}
.wide{overflow:visible}.cards{grid-template-columns:repeat(4,1fr)}.pair{grid-template-columns:1fr 1fr}
tr,figure,.card,li{break-inside:avoid}h2,h3{break-after:avoid}thead{display:table-header-group}
#heat{max-height:230mm;overflow:hidden}pre{font-size:6.5pt}
}
"""
