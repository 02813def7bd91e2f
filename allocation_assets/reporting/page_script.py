"""Script of the page: draws the charts as they come into view, and the grid on a canvas. It asks nobody for anything."""

JS = r"""
'use strict';
(() => {
const read = id => JSON.parse(document.getElementById(id).textContent);
const specs = read('charts'), grid = read('grid');
// The interpreter of expressions (ast) works where a policy forbids eval; the loader is never asked.
const options = {actions:false, ast:true, renderer:'svg', mode:'vega-lite', loader:{http:{}, baseURL:''},
  config:{font:'system-ui, sans-serif', view:{stroke:null}, axis:{labelFontSize:12, labelColor:'#1a1f26', gridColor:'#e3e8ed'},
  legend:{labelFontSize:12, labelColor:'#1a1f26'}, padding:4}};
const waiting = new Map();
// The charts' script is read when the first chart is drawn: what a reader reads and uses first does not wait for it.
const load = () => { if (!window.vegaEmbed) { const el = document.createElement('script'); el.textContent = document.getElementById('runtime').textContent; document.head.append(el); } };
const draw = async el => {
  if (!waiting.delete(el)) return;
  load();
  const spec = specs[el.dataset.chart];
  spec.description = el.dataset.caption;
  const done = await vegaEmbed(el, spec, options);
  const svg = el.querySelector('svg');
  if (svg && !svg.hasAttribute('viewBox')) svg.setAttribute('viewBox', `0 0 ${svg.getAttribute('width')} ${svg.getAttribute('height')}`);
  return done;
};
const all = [...document.querySelectorAll('[data-chart]')];
all.forEach(el => waiting.set(el, true));
const seen = new IntersectionObserver(entries => entries.forEach(e => { if (e.isIntersecting) { seen.unobserve(e.target); draw(e.target); } }), {rootMargin:'200px'});
// Paper has no scrolling: what was not in view is drawn in idle moments.
const rest = () => { const el = waiting.keys().next().value; if (el) draw(el).then(() => setTimeout(rest, 20)); else document.documentElement.dataset.drawn = '1'; };
addEventListener('beforeprint', () => all.forEach(draw));

const canvas = document.querySelector('#heat canvas');
if (canvas && grid.locations.length) {
  const box = document.getElementById('heat'), out = document.getElementById('cell'), pick = document.getElementById('measure'),
    where = document.getElementById('where'), row = document.getElementById('row');
  const L = grid.locations.length, D = grid.departments.length, pen = canvas.getContext('2d');
  let w, h, left, top, at = [0, 0];
  const low = [0x9a, 0x34, 0x00], mid = [0xf4, 0xc0, 0x9c], high = [0xe8, 0xf1, 0xf8];
  const mix = (a, b, t) => a.map((v, i) => Math.round(v + (b[i] - v) * t));
  const shade = (v, most) => { const t = pick.value === 'in_stock_rate' ? v : 1 - Math.sqrt(v / (most || 1)); return t < .6 ? mix(low, mid, t / .6) : mix(mid, high, (t - .6) / .4); };
  const say = v => v === null ? 'no active item' : pick.value === 'in_stock_rate' ? (100 * v).toFixed(2) + ' %' : v.toLocaleString('en', {minimumFractionDigits: pick.value === 'stockout_positions' ? 0 : 2});
  const paint = () => {
    const wide = box.clientWidth, dots = devicePixelRatio || 1;
    left = L <= 200 ? Math.min(110, wide / 4) : 0;
    w = Math.max(4, (wide - left) / D); h = L <= 200 ? 16 : Math.max(3, Math.min(16, Math.floor(3000 / L)));
    pen.font = '11px system-ui, sans-serif';
    top = w >= 12 ? 10 + Math.max(...grid.departments.map(d => pen.measureText(d.slice(0, 14)).width)) : 0;
    const across = left + w * D, down = top + h * L;
    canvas.width = Math.round(across * dots); canvas.height = Math.round(down * dots);
    canvas.style.width = across + 'px'; canvas.style.height = down + 'px';
    pen.setTransform(dots, 0, 0, dots, 0, 0); pen.clearRect(0, 0, across, down);
    pen.font = '11px system-ui, sans-serif'; pen.fillStyle = '#1a1f26'; pen.textBaseline = 'middle';
    if (top) grid.departments.forEach((d, j) => { pen.save(); pen.translate(left + w * (j + .5), top - 4); pen.rotate(-Math.PI / 2); pen.fillText(d.slice(0, 14), 0, 0); pen.restore(); });
    if (left) grid.locations.forEach((l, i) => pen.fillText(l.slice(0, 16), 2, top + h * (i + .5), left - 4));
    const values = grid.measures[pick.value];
    let most = 0;
    for (const v of values) if (v > most) most = v;
    // One dot a cell, then stretched: a chain's fifty thousand cells are drawn at once.
    const dot = document.createElement('canvas');
    dot.width = D; dot.height = L;
    const image = new ImageData(D, L);
    for (let k = 0; k < values.length; k++) {
      if (values[k] === null) continue;
      image.data.set(shade(values[k], most), 4 * k);
      image.data[4 * k + 3] = 255;
    }
    dot.getContext('2d').putImageData(image, 0, 0);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(dot, left, top, w * D, h * L);
    pen.fillStyle = '#fff';
    if (h > 6) for (let i = 1; i <= L; i++) pen.fillRect(left, top + h * i - 1, w * D, 1);
    if (w > 6) for (let j = 1; j <= D; j++) pen.fillRect(left + w * j - 1, top, 1, h * L);
  };
  const tell = (i, j) => { at = [i, j]; out.textContent = `${grid.locations[i]}, ${grid.departments[j]}: ${say(grid.measures[pick.value][i * D + j])}`; };
  const list = () => {
    const i = +where.value, cell = (tag, text) => { const el = document.createElement(tag); el.textContent = text; return el; };
    row.replaceChildren(...grid.departments.map((d, j) => { const tr = document.createElement('tr'), th = cell('th', d), td = cell('td', say(grid.measures[pick.value][i * D + j])); th.scope = 'row'; td.className = 'n'; tr.append(th, td); return tr; }));
  };
  grid.locations.forEach((l, i) => where.add(new Option(l, i)));
  canvas.addEventListener('pointermove', e => { const i = Math.floor((e.offsetY - top) / h), j = Math.floor((e.offsetX - left) / w); if (i >= 0 && i < L && j >= 0 && j < D) tell(i, j); });
  canvas.addEventListener('keydown', e => {
    const move = {ArrowUp:[-1,0], ArrowDown:[1,0], ArrowLeft:[0,-1], ArrowRight:[0,1]}[e.key];
    if (!move) return;
    e.preventDefault();
    tell(Math.min(L - 1, Math.max(0, at[0] + move[0])), Math.min(D - 1, Math.max(0, at[1] + move[1])));
  });
  pick.addEventListener('change', () => { paint(); list(); });
  where.addEventListener('change', list);
  addEventListener('resize', paint);
  paint(); list();
}
setTimeout(() => all.forEach(el => seen.observe(el)), 50);
setTimeout(rest, 400);
document.documentElement.dataset.ready = Math.round(performance.now());
})();
"""
