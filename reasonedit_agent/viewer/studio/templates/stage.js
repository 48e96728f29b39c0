let shape = 'box', points = [], drawing = false;
const canvas = () => element.querySelector('.canvas');
const at = event => {
  const image = canvas().querySelector('img').getBoundingClientRect(), d = canvas().dataset;
  const x = Math.min(1, Math.max(0, (event.clientX - image.left) / image.width));
  const y = Math.min(1, Math.max(0, (event.clientY - image.top) / image.height));
  return [Math.round(x * d.width), Math.round(y * d.height)];
};
const corners = () => {
  if (shape !== 'box' || points.length < 2) return points;
  const [a, b] = [points[0], points[points.length - 1]];
  return [a, [b[0], a[1]], b, [a[0], b[1]]];
};
const show = all => canvas()?.querySelector('polygon').setAttribute('points', all.map(p => p.join(',')).join(' '));
const draw = () => show(corners());
const read = text => {
  const all = text.replaceAll(';', ' ').trim().split(/\s+/).map(group => group.split(',').map(Number));
  if (!all.flat().every(Number.isFinite)) return [];
  const [a, b, c, d] = all[0];
  if (all.length === 1 && all[0].length === 4) return [[a, b], [c, b], [c, d], [a, d]];
  return all.length > 2 && all.every(pair => pair.length === 2) ? all : [];
};
// The field says where, whoever wrote it; what is drawn follows it.
document.addEventListener('region', event => { if (!drawing) show(read(event.detail)); });
const say = () => {
  const all = corners(), xs = all.map(p => p[0]), ys = all.map(p => p[1]);
  const flat = !all.length || Math.max(...xs) - Math.min(...xs) < 3 || Math.max(...ys) - Math.min(...ys) < 3;
  if (flat) { points = []; draw(); }
  const every = Math.ceil(all.length / 60);
  const text = flat ? '' : shape === 'box'
    ? [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)].join(',')
    : all.filter((_, i) => i % every === 0).map(p => p.join(',')).join(' ');
  trigger('select', {region: text});
};
element.addEventListener('pointerdown', event => {
  if (!event.target.closest('.canvas')) return;
  event.preventDefault();
  drawing = true; points = [at(event)];
  try { canvas().setPointerCapture(event.pointerId); } catch { /* a pointer that is gone already */ }
});
element.addEventListener('pointermove', event => {
  if (!drawing) return;
  points.push(at(event)); draw();
});
const end = () => { if (drawing) { drawing = false; say(); } };
element.addEventListener('pointerup', end);
element.addEventListener('pointercancel', end);
element.addEventListener('click', event => {
  const on = event.target.closest('[data-shape]');
  if (!on) return;
  if (on.dataset.shape) {
    shape = on.dataset.shape;
    element.querySelectorAll('[data-shape]').forEach(b => b.setAttribute('aria-pressed', b === on));
  } else trigger('select', {region: ''});
  points = []; draw();
});
