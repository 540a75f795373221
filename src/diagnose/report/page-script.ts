/**
 * The script of the page, which is whole without it: it shows the values of all plots at the pointer's time, and changes
 * between light and dark. It reads what `plot-data` has put beside it, and asks nobody for anything.
 */
export const PAGE_SCRIPT: string = `
(() => {
  'use strict';
  const root = document.documentElement;
  const data = JSON.parse(document.getElementById('finwait-plots').textContent);
  const grouped = (n) => {
    if (n > 0 && n < 10 && !Number.isInteger(n)) return String(Math.round(n * 10) / 10);
    return String(Math.round(n)).replace(/\\B(?=(\\d{3})+$)/g, ',');
  };
  const seconds = (ms) => (ms < 1000 ? Math.round(ms) + ' ms' : ms < 120000 ? Math.round(ms / 100) / 10 + ' s' : Math.round(ms / 6000) / 10 + ' min');
  const size = (n) => {
    if (n < 1000) return Math.round(n) + ' B';
    const units = ['kB', 'MB', 'GB', 'TB'];
    let unit = -1;
    while (n >= 999.5 && unit < 3) { n /= 1000; unit++; }
    return (n < 9.95 ? Math.round(n * 10) / 10 : grouped(n)) + ' ' + units[unit];
  };
  const inUnit = {
    count: grouped,
    per_second: (n) => grouped(n) + '/s',
    bytes: size,
    ms: seconds,
    cores: (n) => (n < 9.95 ? String(Math.round(n * 100) / 100) : grouped(n)),
  };
  const figures = [...document.querySelectorAll('figure[data-plot]')].map((figure) => ({
    figure,
    plot: data.plots[figure.dataset.plot],
    area: figure.querySelector('.area'),
    cross: figure.querySelector('.cross'),
    cells: [...figure.querySelectorAll('tbody .here')],
    at: figure.querySelector('.at'),
  }));
  const nearest = (at) => {
    let low = 0;
    let high = data.times.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (data.times[middle] < at) low = middle + 1; else high = middle;
    }
    return low > 0 && at - data.times[low - 1] < data.times[low] - at ? low - 1 : low;
  };
  const valueAt = (values, index) => {
    if (!Array.isArray(values)) return values;
    for (let back = index; back >= 0 && back > index - 12; back--) if (values[back] !== null) return values[back];
    return null;
  };
  const shown = (value, unit) => {
    if (value === null || value === undefined) return '-';
    if (!Array.isArray(value)) return inUnit[unit](value);
    const least = inUnit[unit](value[0]);
    const most = inUnit[unit](value[1]);
    return least === most ? most : least + ' to ' + most;
  };
  let index = -1;
  const show = (next, over) => {
    if (next < 0) {
      root.classList.remove('pointing');
      for (const { cross } of figures) cross.hidden = true;
      index = -1;
      return;
    }
    index = next;
    root.classList.add('pointing');
    const at = data.times[index];
    const left = (100 * (at - data.fromMs)) / (data.toMs - data.fromMs) + '%';
    const words = at < 1000 ? Math.round(at / 100) / 10 + ' s' : seconds(at);
    for (const { figure, plot, cross, cells, at: label } of figures) {
      cross.hidden = false;
      cross.style.left = left;
      cross.firstElementChild.hidden = figure !== over;
      cross.firstElementChild.textContent = words;
      label.textContent = words;
      cells.forEach((cell, row) => { cell.textContent = shown(valueAt(plot.series[row], index), plot.unit); });
    }
  };
  for (const { figure, area } of figures) {
    const point = (event) => {
      const box = area.getBoundingClientRect();
      const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
      show(nearest(data.fromMs + share * (data.toMs - data.fromMs)), figure);
    };
    area.tabIndex = 0;
    area.setAttribute('aria-label', 'Arrow keys move through time');
    area.setAttribute('role', 'group');
    area.addEventListener('pointermove', point);
    area.addEventListener('pointerdown', point);
    area.addEventListener('pointerleave', () => show(-1));
    area.addEventListener('blur', () => show(-1));
    area.addEventListener('keydown', (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
      if (event.key === 'Escape') show(-1);
      if (step === undefined) return;
      event.preventDefault();
      show(Math.min(data.times.length - 1, Math.max(0, (index < 0 ? 0 : index) + step)), figure);
    });
  }
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const button = document.createElement('button');
  const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : dark.matches);
  const name = () => { button.textContent = isDark() ? 'Light' : 'Dark'; };
  if (location.hash === '#dark' || location.hash === '#light') root.dataset.theme = location.hash.slice(1);
  button.type = 'button';
  button.addEventListener('click', () => { root.dataset.theme = isDark() ? 'light' : 'dark'; name(); });
  dark.addEventListener('change', name);
  name();
  document.querySelector('header').append(button);
})();
`;
