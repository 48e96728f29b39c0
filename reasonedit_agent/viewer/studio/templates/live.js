// No animation of CSS: for one, a browser without a graphics card draws sixty pictures a second, on the edit's cores.
let turn = 0;
const still = matchMedia('(prefers-reduced-motion: reduce)');
setInterval(() => {
  if (!still.matches && element.querySelector('.now')) element.style.setProperty('--turn', turn = (turn + 1) % 6);
}, 250);
