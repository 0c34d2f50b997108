"""For `test_distributed_teacher.py`, which starts it twice: one rank of a teacher."""

import sys

import torch
from mmdet.registry import MODELS
from mmengine.dist import get_rank
from mmengine.logging import MessageHub
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper

from tests.helpers.batches import mixed_batch
from tests.helpers.thin_detectors import build_plain, thin_model_cfg

BURN_IN, STEPS = 2, 10


def branches(plain, step, rank):
    """Other images on each rank; rank 1 never has an object in the source."""
    items = [(0, 0)] * 2 if rank else [(3, 0), (2, 0)]
    seed = 4 * step + 2 * rank
    source = mixed_batch(plain, [None] * 2, items, seed=seed)
    target = mixed_batch(plain, [None] * 2, seed=seed + 1)
    views = dict(sup=source, unsup_teacher=target, unsup_student=target)
    return (
        {name: inputs for name, (inputs, _) in views.items()},
        {name: samples for name, (_, samples) in views.items()},
    )


def main():
    """Adapt for a few steps and save student, teacher and what was drawn."""
    detector, without, out = sys.argv[1:]
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo')  # mmengine's insists on CUDA
    rank = get_rank()
    cfg = thin_model_cfg(detector)
    cfg['test_cfg'].get('rcnn', cfg['test_cfg']).update(score_thr=0.0, max_per_img=3)
    cfg['backbone']['norm_eval'] = False  # running statistics of each rank's own
    plain = build_plain(cfg)
    # Rank 1 finds nothing that is good enough.
    labels = dict(score_thr=0.999 if rank else 0.0, without=without)
    if without == 'counted':
        labels = dict(per_image='source', without='ignored')
    torch.manual_seed(0)
    teacher = MODELS.build(
        dict(
            type='LossMixTeacher',
            detector=cfg,
            burn_in_iters=BURN_IN,
            warmup_mix=dict(),
            adaptation_mix=dict(),
            pseudo_labels=labels,
            discriminator=dict(in_channels=64),
            keep_rate=0.9,
        )
    )
    teacher.student.load_state_dict(plain.state_dict())
    if without == 'counted':
        teacher.pseudo_labels.thresholds.want(torch.full((80,), 0.02))
    model = MMDistributedDataParallel(teacher, broadcast_buffers=False).train()
    optimizer = torch.optim.SGD(teacher.parameters(), lr=1e-3)
    optim_wrapper = OptimWrapper(optimizer, clip_grad=dict(max_norm=1.0))
    drawn = []
    for step in range(STEPS):
        MessageHub.get_current_instance().update_info('iter', step)
        if step == BURN_IN:
            teacher.start_teacher()
        losses = model(*branches(plain, step, rank), mode='loss')
        drawn.append((losses['pairing'].item(), losses['mix_lambda'].item()))
        optim_wrapper.update_params(teacher.parse_losses(losses)[0])
        if step >= BURN_IN:
            teacher.update_teacher()
    weights = dict(teacher.named_parameters())
    weights.update((f'teacher.{k}', v) for k, v in teacher.teacher.named_buffers())
    weights.update(teacher.pseudo_labels.named_buffers())
    own = dict(teacher.student.named_buffers())
    torch.save(dict(weights=weights, own=own, drawn=drawn), f'{out}/{rank}.pth')
    torch.distributed.destroy_process_group()


if __name__ == '__main__':
    main()
