element.addEventListener('click', event => {
  const on = event.target.closest('[data-do]');
  if (!on || !element.contains(on)) return;
  event.preventDefault();
  const ticked = [...element.querySelectorAll('input:checked')].map(input => input.value);
  trigger('click', {...on.dataset, ticked});
});
