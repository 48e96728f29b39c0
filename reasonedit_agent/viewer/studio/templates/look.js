where => requestAnimationFrame(() => requestAnimationFrame(() => {
  const found = document.querySelector(where.slice(where.indexOf(' ') + 1));
  if (!found) return;
  const box = found.getBoundingClientRect();
  if (box.top < 0 || box.bottom > 0.6 * innerHeight) found.scrollIntoView({block: 'center'});
  found.focus({preventScroll: true});
}))
