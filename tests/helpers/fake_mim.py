"""A mim that pretends: its files are those of mim train and mim test, in no time.

``python -m mim`` finds it if the folder of :func:`write_fake_mim` is on ``PYTHONPATH``.
"""

from pathlib import Path

PROGRAM = """
import json, os, runpy, sys, time, zipfile
from pathlib import Path

command, config, *rest = sys.argv[1], *sys.argv[3:]
cfg = runpy.run_path(config)
work = Path(rest[rest.index('--work-dir') + 1])
with (work.parent / f'{command}.calls').open('a') as calls:
    print(' '.join([os.environ.get('CUDA_VISIBLE_DEVICES', '-'), *rest]), file=calls)
lr = cfg['optim_wrapper']['optimizer']['lr']
if lr == 13:
    sys.exit('unlucky')
session = work / str(time.time_ns())
(session / 'vis_data').mkdir(parents=True)
metrics = {'coco/bbox_mAP': lr, 'coco/bbox_mAP_50': 2 * lr, 'time': 0.1}
if command == 'test':
    assert Path(rest[rest.index('--checkpoint') + 1]).is_file()
    (session / f'{session.name}.json').write_text(json.dumps(metrics))
    sys.exit()
pointer, begin, end = work / 'last_checkpoint', 0, cfg['train_cfg']['max_iters']
if '--resume' in rest:
    begin = int(Path(pointer.read_text()).stem.split('_')[1])
with (session / 'vis_data/scalars.json').open('a') as log:
    for i in range(begin + 1, end + 1):
        time.sleep(0.02)
        print(json.dumps({'loss': 1.0, 'time': 0.1, 'step': i}), file=log, flush=True)
        zipfile.ZipFile(work / f'iter_{i}.pth', 'w').close()
        pointer.write_text(str(work / f'iter_{i}.pth'))
    print(json.dumps({**metrics, 'step': end}), file=log)
"""


def write_fake_mim(folder: Path) -> Path:
    """Write the package ``mim`` into a folder."""
    (folder / 'mim').mkdir(parents=True)
    (folder / 'mim/__init__.py').write_text('')
    (folder / 'mim/__main__.py').write_text(PROGRAM)
    return folder
