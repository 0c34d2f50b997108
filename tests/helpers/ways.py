"""How each command of the pages is tested."""

import re
from typing import NamedTuple, Optional

from tests.helpers.pages import Command

RUNS, TRAINS, READ, NAMED = 'runs', 'trains', 'read', 'named'


class Way(NamedTuple):
    """How commands are tested.

    Attributes:
        how (str): ``RUNS``; ``TRAINS``, which is slow; ``READ`` by the parser only; or
            ``NAMED`` without its arguments, so that nothing can be run.
        pattern (str): Of the whole commands.
        more (str): Options that make it short.
        why (str): Why it is read only.
        code (int): The status that it ends with.
    """

    how: str
    pattern: str
    more: str = ''
    why: str = ''
    code: int = 0


HOURS = 'a grid takes hours'
INSTALLS = 'it installs into an environment; test_packaging.py builds and installs'
STUDY = r'(python tools/ablate\.py|lossmix sweep)'
WAYS = (
    Way(NAMED, r'lossmix (check|browse|plot|sweep)|python tools/\w+\.py'),
    Way(NAMED, r'mim (run|download|test|train|train --launcher pytorch)'),
    Way(NAMED, r'mim test (\.\.\. --tta|mmdet your_config\.py)|git clone'),
    Way(NAMED, r'mim run mmdet (analyze_logs|browse_dataset|get_flops)'),
    Way(RUNS, r'lossmix configs'),
    Way(TRAINS, r'lossmix configs \w+|python docs/generate/model_zoo\.py'),
    Way(RUNS, r'python -c .*'),
    Way(RUNS, r'python docs/generate/messages\.py'),
    Way(RUNS, r'lossmix check your_config\.py'),
    Way(RUNS, r'lossmix browse your_config\.py', '--batches 2'),
    Way(TRAINS, r'lossmix browse your_config\.py --grid 3x4', '--batches 2'),
    Way(RUNS, r'lossmix plot work_dirs/your_config'),
    Way(TRAINS, r'lossmix plot work_dirs/\w+ work_dirs/\w+'),
    Way(READ, r'.* --part teacher|(lossmix check|mim train mmdet) configs/uda/your_.*',
        why='it takes an adaptation; test_uda/test_two_folders.py runs one'),
    Way(RUNS, r'lossmix export .*'),
    Way(TRAINS, r'lossmix check configs/lossmix_faster_rcnn_voc\.py'),
    Way(TRAINS, r'lossmix check configs/uda/.*', code=1),
    Way(RUNS, r'python -m synthetic_voc \S+( .*)?', '--train 2 --test 1 --size 64'),
    Way(TRAINS,
        r'mim train mmdet your_config\.py( --gpus 1 --auto-scale-lr)?( --resume)?'),
    Way(TRAINS, r'mim train mmdet (your|plain)_config\.py --work-dir .*'),
    Way(TRAINS, r'mim train mmdet configs/lossmix_faster_rcnn_(coco|voc)\.py'
        r'( --auto-scale-lr)?'),
    Way(TRAINS, r'mim train mmdet configs/demo/.*', 'train_cfg.max_epochs=1'),
    Way(TRAINS, r'mim train mmdet configs/uda/demo_\w+\.py --gpus 0'),
    Way(READ, r'mim train mmdet configs/uda/\w+_people_art\.py .*',
        why='it needs both; test_uda/test_people_art.py trains on small ones'),
    Way(TRAINS, r'mim test mmdet .*'),
    Way(TRAINS, r'mim run mmdet print_config your_config\.py'),
    Way(TRAINS, r'python \$TRAIN your_config\.py --auto-scale-lr'),
    Way(READ, r'mim search mmdet_lossmix',
        why='it needs the wheel; test_packaging.py asks mim for its models'),
    Way(READ, r'(mim train|python -m torch\.distributed\.run) .* .*8.*',
        why='it needs 8 GPUs'),
    Way(TRAINS, rf'{STUDY} your_study\.yml --jobs 1'),
    Way(TRAINS, rf'{STUDY} your_study\.yml( --jobs 2)?', '--dry-run'),
    Way(READ, rf'{STUDY} your_study\.yml .*--executor slurm .*',
        why='it needs a cluster'),
    Way(READ, rf'{STUDY} studies/grids/.*', why=HOURS),
    Way(TRAINS, r'\.venv/bin/python -m benchmarks\.operators',
        'fcos --size 64 64 --batches 2'),
    Way(TRAINS, r'(\.venv/bin/)?python -m benchmarks\.step (?!.*(amp|depth)).*',
        '--size 64 96 --rounds 1 --batches 2 --growth-rounds 1 --threads 1'),
    Way(READ, r'python -m benchmarks\.step .*', why='it needs a GPU, and minutes'),
    Way(TRAINS, r'python -m benchmarks\.loading', '--quick --only cache'),
    Way(TRAINS, r'\.venv/bin/python -m benchmarks\.survey', 'FCOS'),
    Way(NAMED, r'python -m (studies\.(why|label_curve)|benchmarks\.gradient_variance)'),
    Way(READ,
        r'python -m (studies\.(why|label_curve)|benchmarks\.gradient_variance) .*',
        why='it needs finished runs; test_studies/ has some'),
    Way(READ, r'make .*', why='it sets up an environment'),
    Way(READ, r'pip (install|wheel) .*', why=INSTALLS),
    Way(READ, r'mim run mmdet download_dataset .*', why='it downloads'),
    Way(NAMED, r'git clone https.*|mkdir -p data && ln -s .*'),
    Way(NAMED, r'\.venv/bin/(mkdocs serve|pre-commit install)'),
    Way(NAMED, r'git (tag|push) .*|\.venv/bin/python -m hatchling build .*'),
)  # fmt: skip


def way_of(command: Command) -> Optional[Way]:
    """The first that fits."""
    return next((w for w in WAYS if re.fullmatch(w.pattern, command.text)), None)
