'use strict';
// Rows are sorted by a column: by its numbers, or by its text.
const collator = new Intl.Collator('en', { numeric: true });
for (const table of document.querySelectorAll('table.sortable')) {
  const body = table.tBodies[0];
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = header.textContent;
    header.replaceChildren(button);
    const value = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
    button.addEventListener('click', () => {
      const first = header.classList.contains('number') ? 'descending' : 'ascending';
      const other = first === 'ascending' ? 'descending' : 'ascending';
      const order = header.getAttribute('aria-sort') === first ? other : first;
      headers.forEach(each => each.removeAttribute('aria-sort'));
      header.setAttribute('aria-sort', order);
      const sign = order === 'ascending' ? 1 : -1;
      const compare = (a, b) => collator.compare(value(a), value(b));
      body.append(...[...body.rows].sort((a, b) => sign * compare(a, b)));
    });
  });
}

// A part of the map is looked into; the part that is shown leads to its row, as all do without this script.
const map = document.getElementById('map');
const zoomed = document.getElementById('zoomed');
const whole = map.getAttribute('viewBox');
const show = part => {
  map.setAttribute('viewBox', part ? part.dataset.zoom : whole);
  zoomed.hidden = !part;
  zoomed.querySelector('span').textContent = part ? part.querySelector('title').textContent : '';
};
map.addEventListener('click', event => {
  const part = event.target.closest('a[data-zoom]');
  if (part && part.dataset.zoom !== map.getAttribute('viewBox')) {
    event.preventDefault();
    show(part);
  }
});
zoomed.querySelector('button').addEventListener('click', () => show(null));
document.addEventListener('keydown', event => {
  if (event.key === 'Escape') show(null);
});
document.querySelector('.hint').hidden = false;

// What a link leads to is opened, and paper shows everything.
const open = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
};
addEventListener('hashchange', open);
addEventListener('beforeprint', () => document.querySelectorAll('details').forEach(each => { each.open = true; }));
open();
