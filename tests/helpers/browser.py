"""Measure a page of the site in Chromium, wide and narrow, light and dark."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Dict, List
from urllib.parse import unquote

CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser')
WIDTHS = (1280, 390)
# Frames, as the window of a browser has a least width.
FRAMES = """<!doctype html><meta charset="utf-8">
<body>FRAMES<script>
const wait = ms => new Promise(done => setTimeout(done, ms));
const channels = text => text.match(/[\\d.]+/g).map(Number);
const over = (front, back) => {
  const alpha = front[3] ?? 1;
  return [0, 1, 2].map(i => alpha * front[i] + (1 - alpha) * back[i]);
};
const light = rgb => [.2126, .7152, .0722].reduce((sum, share, i) => {
  const c = rgb[i] / 255;
  return sum + share * (c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
}, 0);
const ground = node => {
  const own = channels(getComputedStyle(node).backgroundColor);
  if ((own[3] ?? 1) === 1) return own;
  return over(own, node.parentElement ? ground(node.parentElement) : [255, 255, 255]);
};
const contrast = node => {
  const back = ground(node);
  const front = over(channels(getComputedStyle(node).color), back);
  const [low, high] = [light(front), light(back)].sort((a, b) => a - b);
  return (high + .05) / (low + .05);
};
const measure = frame => {
  const page = frame.contentDocument;
  const kinds = '.md-content :is(h1, h2, p, td, th, a, code)';
  const texts = [...page.querySelectorAll(kinds)]
    .filter(node => node.textContent.trim() && !node.matches('.headerlink'));
  const picture = page.querySelector('.md-content img');
  return {
    scheme: page.body.dataset.mdColorScheme, width: page.documentElement.clientWidth,
    overflow: page.documentElement.scrollWidth - page.documentElement.clientWidth,
    header: getComputedStyle(page.querySelector('.md-header')).backgroundColor,
    picture: [picture.naturalWidth, Math.round(picture.getBoundingClientRect().width)],
    texts: texts.length,
    faint: texts.map(node => [contrast(node), node.textContent.trim().slice(0, 40)])
      .filter(([ratio]) => ratio < 4.5),
  };
};
onload = async () => {
  const found = [];
  for (const scheme of ['default', 'slate']) {
    for (const frame of document.querySelectorAll('iframe')) {
      const page = frame.contentDocument;
      const choice = page.querySelector(`input[data-md-color-scheme="${scheme}"]`);
      Object.assign(page.body.dataset, choice.dataset);  // as the theme's switch does
      const style = page.head.appendChild(page.createElement('style'));
      style.textContent = '* { transition: none !important }';
    }
    await wait(500);
    for (const frame of document.querySelectorAll('iframe')) {
      found.push(measure(frame));
    }
  }
  const text = encodeURIComponent(JSON.stringify(found));
  document.body.innerHTML = `<pre>${text}</pre>`;
};
</script></body>"""


def measured(page: Path) -> List[Dict[str, Any]]:
    """What a browser makes of a page, for each width and colour scheme."""
    frames = ''.join(
        f'<iframe src="{page.name}" style="width:{width}px;height:900px;border:0">'
        '</iframe>'
        for width in WIDTHS
    )
    harness = page.with_name('measured.html')
    harness.write_text(FRAMES.replace('FRAMES', frames, 1), encoding='utf-8')
    command = [
        str(CHROMIUM),
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--hide-scrollbars',
    ]
    command += ['--allow-file-access-from-files', '--virtual-time-budget=8000']
    command += ['--window-size=1400,1000', '--dump-dom', harness.as_uri()]
    done = subprocess.run(command, check=True, timeout=180, capture_output=True)
    harness.unlink()
    found = re.search(r'<pre>(.+?)</pre>', done.stdout.decode())
    assert found, done.stdout.decode()[-2000:]
    return json.loads(unquote(found[1]))
