"""For `test_distributed.py`, which starts it twice: one rank of a training."""

import argparse

import torch
from mmengine.dist import get_rank
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from torch import nn

from tests.helpers.batches import mixed_batch
from tests.helpers.thin_detectors import build_pair


def batch_of_step(model, step, rank):
    """Mixed or not by a coin for each rank; rank 1 never has an object."""
    coin, lam = torch.rand(2, generator=torch.Generator().manual_seed(2 * step + rank))
    lams = [lam.item() if coin < 0.5 else None] * 2
    items = [(0, 0), (0, 0)] if rank else [(3, 2), (2, 0)]
    return mixed_batch(model, lams, items, seed=2 * step + rank)


# By weighting, of the two images of a batch.
SPLIT_LAMBDAS = {'image': [0.3, 0.8], 'batch': [0.3, 0.3]}


def split_batch(model, rank):
    """One image for each rank of the batch that `test_distributed.py` has whole."""
    inputs, samples = mixed_batch(model, SPLIT_LAMBDAS[model.weighting])
    return inputs[rank : rank + 1], samples[rank : rank + 1]


def freeze_norms(model):
    """Let batch normalisation be the same for a batch and for its parts."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def main():
    """Train 30 steps and save the weights, or take one step and save the gradients."""
    parser = argparse.ArgumentParser()
    parser.add_argument('task', choices=['train', 'split'])
    parser.add_argument('detector')
    parser.add_argument('weighting')
    parser.add_argument('out')
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo')  # mmengine's insists on CUDA
    _, wrapped = build_pair(args.detector, weighting=args.weighting)
    model = MMDistributedDataParallel(wrapped, broadcast_buffers=False)
    optimizer = torch.optim.SGD(wrapped.parameters(), lr=1e-3)
    optim_wrapper = OptimWrapper(optimizer, clip_grad=dict(max_norm=1.0))
    if args.task == 'split':
        freeze_norms(wrapped)
        losses = model(*split_batch(wrapped, get_rank()), mode='loss')
        wrapped.parse_losses(losses)[0].backward()
        result = {name: p.grad for name, p in wrapped.named_parameters()}
    else:
        for step in range(30):
            losses = model(*batch_of_step(wrapped, step, get_rank()), mode='loss')
            optim_wrapper.update_params(wrapped.parse_losses(losses)[0])
        result = dict(wrapped.named_parameters())
    torch.save(result, f'{args.out}/{get_rank()}.pth')
    torch.distributed.destroy_process_group()


if __name__ == '__main__':
    main()
