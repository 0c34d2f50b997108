"""LossMix the naive way, sharing no code with the package.

Two complete passes of the plain detector over the same mixed batch, interpolated by
hand; per image, complete losses on that image's slice of the batch's features.
"""

import torch


def target(sample, which):
    """A sample with one of its two targets and nothing of the other."""
    chosen = sample.clone()
    if 'partner' in chosen:
        if which == 'partner':
            for key in ('gt_instances', 'ignored_instances'):
                setattr(chosen, key, chosen.partner.get(key))
        del chosen.partner
    return chosen


def batch_losses(plain, inputs, samples, lam):
    """``weighting='batch'``: one lambda, the detector's own normaliser."""
    own = plain.loss(inputs, [target(s, 'own') for s in samples])
    partner = plain.loss(inputs, [target(s, 'partner') for s in samples])
    return combine([(lam, own), (1 - lam, partner)])


def image_losses(plain, inputs, samples):
    """``weighting='image'``: the mean of images, each by itself on its features."""
    features = plain.extract_feat(inputs)
    terms = []
    for i, sample in enumerate(samples):
        plain.extract_feat = lambda _, i=i: tuple(f[i : i + 1] for f in features)
        lam = sample.get('mix_lambda', 1.0)
        for which, weight in (('own', lam), ('partner', 1 - lam)):
            if weight > 0:  # as a random sampler would not draw for nothing
                losses = plain.loss(inputs[i : i + 1], [target(sample, which)])
                terms.append((weight / len(samples), losses))
        del plain.extract_feat
    return combine(terms)


def combine(terms):
    """Sum of weighted loss dicts."""
    result = {}
    for weight, losses in terms:
        for key, value in losses.items():
            for i, v in enumerate(value if isinstance(value, list) else [value]):
                name = f'{key}.{i}' if isinstance(value, list) else key
                result[name] = result.get(name, 0) + weight * v
    return result


def flat(losses):
    """The wrapper's losses named as :func:`combine` names them."""
    return combine([(1, losses)])


def gradients(model, losses):
    """Gradients of the sum of all losses, by the parameter's name; None if unused."""
    model.zero_grad()
    sum(v.sum() for k, v in losses.items() if 'loss' in k).backward()
    return {n.replace('detector.', ''): p.grad for n, p in model.named_parameters()}


def relative_difference(a, b):
    """Largest difference of two dicts of tensors, in units of the larger's maximum."""
    assert a.keys() == b.keys()
    worst = 0.0
    for key in a:
        assert (a[key] is None) == (b[key] is None), key
        if a[key] is not None:
            scale = max(a[key].abs().max().item(), 1e-12)
            worst = max(worst, (a[key] - b[key]).abs().max().item() / scale)
    return worst


def seeded(function, *args):
    """Call with torch's generator in a known state."""
    torch.manual_seed(7)
    return function(*args)
