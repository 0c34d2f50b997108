"""Hostile configs: refused when built, or before the first step, by name.

Each case is ``name -> what is built, and words that the error must have``: the argument
that is wrong, where it is, and what to do instead.
"""

import copy

import numpy as np
import pytest
from mmdet.registry import DATA_SAMPLERS, DATASETS, HOOKS, MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmdet_lossmix.mixing.run_check import check_config
from tests.helpers.batches import mixed_batch
from tests.helpers.recorder import STRATEGIES, WAYS, batches
from tests.helpers.thin_detectors import thin_model_cfg
from tests.test_hostile.test_data import image, images

NAN, INF = float('nan'), float('inf')
REMEDY = 'Pass `detector='


def transform(**arguments):
    return TRANSFORMS, dict(type='LossMixTransform', **arguments)


def augment(**arguments):
    return MODELS, dict(type='BatchLossMix', **arguments)


def wrapper(**arguments):
    return MODELS, dict(type='LossMixDetector', **arguments)


def teacher(**arguments):
    """Its arguments are looked at before its detectors are built."""
    options = dict(detector=dict(type='FCOS'), burn_in_iters=0)
    return MODELS, dict(type='LossMixTeacher', **{**options, **arguments})


def hook(kind, **arguments):
    return HOOKS, dict(type=kind, **arguments)


def cut(**arguments):
    return transform(operator=dict(type='CutMix', **arguments))


class Domains:
    datasets = ('ab', 'cd')


def sampler(**arguments):
    return DATA_SAMPLERS, dict(
        type='DomainSampler', dataset=Domains(), seed=0, **arguments
    )


ALPHA = r'`alpha` to a number in \(0, inf\)'
PROB = r'`prob` to a number in \[0, 1\]'
CACHED = r'`max_cached_images` to a whole number in \[1, inf\)'
PAD = 'Set `pad_val` to a pixel value'
OPERATOR = 'Set `operator` to the config of one'
VISIBLE = '`min_visible` to a number'
WEIGHTING = '`weighting`.*not|`weighting` to be'
NUMBERS = {
    'alpha of 0': (transform(alpha=0), ALPHA),
    'alpha below 0': (transform(alpha=-1), ALPHA),
    'alpha NaN': (transform(alpha=NAN), ALPHA),
    'alpha infinite': (transform(alpha=INF), ALPHA),
    'alpha a text': (transform(alpha='1'), ALPHA),
    'alpha a bool': (transform(alpha=True), ALPHA),
    'alpha None': (transform(alpha=None), ALPHA),
    'two alphas': (transform(alpha=[1, 1]), ALPHA),
    'prob above 1': (transform(prob=1.1), PROB),
    'prob below 0': (transform(prob=-0.1), PROB),
    'prob NaN': (transform(prob=NAN), PROB),
    'prob a text': (transform(prob='0.5'), PROB),
    'prob a bool': (transform(prob=True), PROB),
    'no cached image': (transform(max_cached_images=0), CACHED),
    'cached images below 0': (transform(max_cached_images=-1), CACHED),
    'one and a half cached images': (transform(max_cached_images=1.5), CACHED),
    'any number of cached images': (transform(max_cached_images=INF), CACHED),
    'cached images a bool': (transform(max_cached_images=True), CACHED),
    'cached images a text': (transform(max_cached_images='20'), CACHED),
    'cached images None': (transform(max_cached_images=None), CACHED),
    'padding NaN': (transform(pad_val=NAN), PAD),
    'padding infinite': (transform(pad_val=INF), PAD),
    'padding below 0': (transform(pad_val=-1), PAD),
    'padding above 16 bit': (transform(pad_val=65536), PAD),
    'padding a text': (transform(pad_val='x'), PAD),
    'padding of no channel': (transform(pad_val=[]), PAD),
    'padding NaN in one channel': (transform(pad_val=[1, NAN, 1]), PAD),
    'padding by name': (transform(pad_val=dict(img=114)), PAD),
    'padding None': (transform(pad_val=None), PAD),
    'padding a bool': (transform(pad_val=True), PAD),
    'batch, alpha of 0': (augment(alpha=0), ALPHA),
    'batch, alpha a text': (augment(alpha='1'), ALPHA),
    'batch, prob above 1': (augment(prob=2), PROB),
    'batch, prob NaN': (augment(prob=NAN), PROB),
}
OPERATORS = {
    'operator a name': (transform(operator='CutMix'), OPERATOR),
    'operator None': (transform(operator=None), OPERATOR),
    'operators': (transform(operator=[dict(type='Blend')]), OPERATOR),
    'operator a model': (transform(operator=[thin_model_cfg('fcos')]), OPERATOR),
    'operator without a type': (transform(operator={}), '"type"'),
    'operator unknown': (transform(operator=dict(type='Nope')), 'Nope'),
    'operator of another kind': (
        transform(operator=dict(type='DeltaXYWHBBoxCoder')),
        OPERATOR,
    ),
    'batch, operator of another kind': (
        augment(operator=dict(type='PseudoSampler')),
        OPERATOR,
    ),
    'visible above 1': (cut(min_visible=1.5), VISIBLE),
    'visible below 0': (cut(min_visible=-0.1), VISIBLE),
    'visible NaN': (cut(min_visible=NAN), VISIBLE),
    'visible a text': (cut(min_visible='0.3'), VISIBLE),
    'an argument misspelt': (transform(alhpa=1), 'alhpa'),
}
DETECTORS = {
    'no detector': (wrapper(detector=None), REMEDY),
    'detector an empty dict': (wrapper(detector={}), REMEDY),
    'detector a number': (wrapper(detector=3), REMEDY),
    'detector a list': (wrapper(detector=['FCOS']), REMEDY),
    'detector unknown': (wrapper(detector='Nope'), f"{REMEDY}.*'Nope'"),
    'detector a text with arguments': (wrapper(detector='Nope', depth=3), REMEDY),
    'detector a config with arguments beside it': (
        wrapper(detector=dict(type='FCOS'), backbone=dict(type='ResNet')),
        f"{REMEDY}.*beside \\['backbone'\\]",
    ),
    'detector a backbone': (
        wrapper(detector=dict(type='ResNet', depth=18)),
        f'{REMEDY}.*a ResNet, which is no plain detector',
    ),
    'detector a backbone by name': (
        wrapper(detector='ResNet', depth=18),
        f'{REMEDY}.*a ResNet, which is no plain detector',
    ),
    'detector a data preprocessor': (
        wrapper(detector=dict(type='DetDataPreprocessor')),
        f'{REMEDY}.*DetDataPreprocessor',
    ),
    'detector a tracker': (wrapper(detector='QDTrack'), f'{REMEDY}.*QDTrack'),
    'detector a wrapper': (
        wrapper(detector=dict(type='LossMixDetector', detector='thin fcos')),
        f'{REMEDY}.*LossMixDetector, which is no plain detector',
    ),
    'detector a teacher': (
        wrapper(
            detector=dict(type='LossMixTeacher', detector='thin fcos', burn_in_iters=0)
        ),
        f'{REMEDY}.*LossMixTeacher, which is no plain detector',
    ),
    'a data preprocessor by name': (
        wrapper(detector='FCOS', data_preprocessor='DetDataPreprocessor'),
        "`data_preprocessor` to a dict, not 'Det",
    ),
    'data preprocessors': (
        wrapper(detector='FCOS', data_preprocessor=[dict(batch_augments=[])]),
        '`data_preprocessor` to a dict, not ',
    ),
    'weighting unknown': (wrapper(detector='FCOS', weighting='sum'), 'weighting'),
    'weighting None': (wrapper(detector='FCOS', weighting=None), 'weighting'),
    'weightings': (wrapper(detector='FCOS', weighting=['batch']), 'weighting'),
    'sampling unknown': (wrapper(detector='FCOS', roi_sampling='both'), 'roi_sampling'),
    'sampling None': (wrapper(detector='FCOS', roi_sampling=None), 'roi_sampling'),
}
STOP = 'StopMixingHook'
VIEW = 'MixVisualizationHook'
HOOK_TABLE = {
    'stop never': (hook(STOP), 'Set one of `num_last'),
    'stop twice': (
        hook(STOP, num_last_epochs=1, num_last_iters=1),
        'Set one of `num_last',
    ),
    'stop for 0 epochs': (hook(STOP, num_last_epochs=0), 'Set `num_last'),
    'stop for -1 iterations': (hook(STOP, num_last_iters=-1), 'Set `num_last'),
    'stop for a text': (
        hook(STOP, num_last_epochs='2'),
        "`num_last_epochs` to a whole number.*'2'",
    ),
    'stop for half an epoch': (
        hook(STOP, num_last_epochs=0.5),
        '`num_last_epochs` to a whole number',
    ),
    'stop for a bool': (
        hook(STOP, num_last_iters=True),
        '`num_last_iters` to a whole number',
    ),
    'pictures every 0': (hook(VIEW, interval=0), 'Set `interval`'),
    'pictures every 1.5': (hook(VIEW, interval=1.5), 'Set `interval`'),
    'pictures every text': (hook(VIEW, interval='x'), 'Set `interval`'),
    'pictures in no rows': (hook(VIEW, grid=(0, 4)), 'Set `grid`'),
    'pictures in a number': (hook(VIEW, grid=4), 'Set `grid`'),
    'teacher logs every 0': (hook('TeacherHook', interval=0), 'Set `interval`'),
    'teacher logs every text': (hook('TeacherHook', interval='50'), 'Set `interval`'),
    'pseudo labels every 0': (hook('PseudoLabelHook', interval=0), 'Set `interval`'),
    'pseudo labels of no image': (hook('PseudoLabelHook', images=0), 'Set `images`'),
}
UDA = {
    'burn-in below 0': (teacher(burn_in_iters=-1), 'burn_in_iters'),
    'burn-in a text': (teacher(burn_in_iters='9'), 'burn_in_iters'),
    'burn-in infinite': (teacher(burn_in_iters=INF), 'burn_in_iters'),
    'keep rate of 1': (teacher(keep_rate=1), 'keep_rate'),
    'momentum NaN': (teacher(momentum=NAN), 'momentum'),
    'keep rate and momentum': (teacher(momentum=0.1, keep_rate=0.9), 'not both'),
    'prediction of nobody': (
        teacher(semi_test_cfg=dict(predict_on='nobody')),
        "`predict_on`.*'student', 'teacher'",
    ),
    'adaptation mixes unknown': (teacher(adaptation_mix=dict(strategy='x')), 'lossmix'),
    'burn-in mixes too much': (teacher(warmup_mix=dict(max_share=0.6)), 'max_share'),
    'scores from 1 on': (teacher(pseudo_labels=dict(score_thr=1)), 'score_thr'),
    'losses unknown': (teacher(pseudo_policy=dict(losses='cls')), "'classification'"),
    'a discriminator of nothing': (
        teacher(pseudo_labels=None, discriminator=dict(in_channels=64)),
        'discriminator=None',
    ),
    'a detector by name': (
        teacher(detector='FCOS'),
        "`detector` to a dict, not 'F",
    ),
    'no detector at all': (teacher(detector=None), '`detector` to a dict, not None'),
    'a mix by name': (teacher(warmup_mix='x'), '`warmup_mix` to a dict'),
    'a number for a mix': (teacher(adaptation_mix=1), '`adaptation_mix` to a dict'),
    'scores for labels': (teacher(pseudo_labels=0.8), '`pseudo_labels` to a dict'),
    'a policy by name': (teacher(pseudo_policy='cls'), '`pseudo_policy` to a dict'),
    'no policy': (teacher(pseudo_policy=None), '`pseudo_policy` to a dict'),
    'channels for a discriminator': (
        teacher(discriminator=64),
        '`discriminator` to a dict',
    ),
    'who predicts, bare': (
        teacher(semi_test_cfg='teacher'),
        '`semi_test_cfg` to a dict',
    ),
    'branches by name': (
        teacher(data_preprocessor='MultiBranchDataPreprocessor'),
        '`data_preprocessor` to a dict',
    ),
    'a quota for both': (sampler(per_domain=4), 'Set `per_domain` to a list'),
    'a quota of half images': (
        sampler(per_domain=[1.5, 2.5]),
        '`per_domain` to a whole',
    ),
    'a quota of 0': (sampler(per_domain=[4, 0]), '`per_domain` to a whole'),
    'quotas of three domains': (sampler(per_domain=[1, 1, 1]), '2 datasets'),
    'strong with a text': (
        (TRANSFORMS, dict(type='StrongAugment', prob='1')),
        '`prob` to a number',
    ),
    'no folder of images': (
        (DATASETS, dict(type='UnlabelledDataset', data_root='nowhere/', pipeline=[])),
        'to a folder of target images: there is none at',
    ),
    'an unknown fog': (
        (
            DATASETS,
            dict(type='FoggyCityscapesDataset', betas=['0.03'], pipeline=[]),
        ),
        '`betas`',
    ),
}
TABLE = {**NUMBERS, **OPERATORS, **DETECTORS, **HOOK_TABLE, **UDA}
LEGAL = {
    'padding of 16 bit': transform(pad_val=300),
    'padding by channel': transform(pad_val=(0, 114.5, 255)),
    'alpha as numpy has it': transform(alpha=np.float32(0.5)),
    'never mixed': transform(prob=0),
    'one cached image': transform(max_cached_images=1),
    'everything visible': cut(min_visible=1),
    'whole numbers as floats': sampler(per_domain=[2.0, 2]),
    'alpha next to 0': transform(alpha=1e-310),
    'alpha as large as can be': augment(alpha=1e308),
}


def build(registry, cfg):
    init_default_scope('mmdet')
    cfg = {k: v if k == 'dataset' else copy.deepcopy(v) for k, v in cfg.items()}
    inner = cfg.get('detector')
    if isinstance(inner, dict) and inner.get('detector') == 'thin fcos':
        inner['detector'] = thin_model_cfg('fcos')
    return registry.build(cfg)


@pytest.mark.parametrize('name', TABLE)
def test_refused_when_built(name):
    what, words = TABLE[name]
    errors = (TypeError, ValueError, KeyError, FileNotFoundError)
    with pytest.raises(errors, match=words) as error:
        build(*what)
    assert len(str(error.value)) < 450, 'a config, before or after the remedy'


@pytest.mark.parametrize('name', LEGAL)
def test_legal(name):
    build(*LEGAL[name])


@pytest.mark.parametrize('strategy', STRATEGIES)
@pytest.mark.parametrize('way', WAYS)
@pytest.mark.parametrize('mix', [dict(alpha=0), dict(prob=1.1), dict(operator=None)])
def test_all_kinds_of_mixing_check_alike(mix, way, strategy):
    with pytest.raises((TypeError, ValueError), match=f'`{next(iter(mix))}`'):
        batches(way, strategy, images(image()), mix)


@pytest.mark.parametrize('way', ['cache', 'dataset'])
@pytest.mark.parametrize(
    ('pad_val', 'channels', 'dtype'),
    [(300, 3, np.uint8), ([1, 2], 3, np.uint8), ([1, 2, 3], 1, np.uint16)],
)
def test_padding_that_the_images_cannot_hold(pad_val, channels, dtype, way):
    sizes = (8, 10), (10, 8)
    given = images(*(image(*s, channels=channels, dtype=dtype) for s in sizes))
    with pytest.raises(ValueError, match=r'Set `pad_val` to a value of .* channels'):
        batches(way, 'LossMix', given, dict(pad_val=pad_val))


def test_padding_that_the_images_can_hold():
    for channels, pad_val, dtype in (
        (1, 300, np.uint16),
        (3, 65535, np.uint16),
        (3, [1, 300, 9], np.uint16),
        (3, [0, 255, 9], np.uint8),
    ):
        kind = dict(channels=channels, dtype=dtype)
        given = images(image(8, 10, **kind), image(10, 8, **kind))
        mixed = batches('dataset', 'LossMix', given, dict(pad_val=pad_val))
        values = np.broadcast_to(np.array(pad_val, float), channels)
        for inputs, samples, *_ in mixed:
            for picture, sample in zip(inputs, samples):
                if 'partner' in sample:  # where neither image reaches
                    assert picture[:, -1, -1].tolist() == values.tolist()


# Pipelines, batch augments and models that do not go together; more of them are in
# tests/test_mixing/test_run_check.py.
LOAD = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True)]
PACK, PACK_BOTH = dict(type='PackDetInputs'), dict(type='PackLossMixInputs')
MIX, SAMPLED = dict(type='LossMixTransform'), dict(type='SampledLossMixTransform')


def run_of(steps, augments=(), model='LossMixDetector', **more):
    inner = dict(
        type='FCOS',
        data_preprocessor=dict(
            type='DetDataPreprocessor', batch_augments=list(augments)
        ),
    )
    model = dict(type=model, detector=inner, **more)
    dataset = dict(type='VOCDataset', pipeline=[*LOAD, *steps])
    return Config(dict(train_dataloader=dict(dataset=dataset), model=model))


RUNS = {
    'packed without partners, behind random steps': (
        run_of(
            [MIX, dict(type='RandomApply', transforms=[dict(type='Pad')]), PACK],
            weighting='image',
        ),
        'Replace PackDetInputs at train_dataloader.dataset.pipeline[4]',
    ),
    'mixing in a random branch, packed without partners': (
        run_of(
            [dict(type='RandomChoice', transforms=[[MIX], []]), PACK], weighting='image'
        ),
        'Replace PackDetInputs at train_dataloader.dataset.pipeline[3]',
    ),
    'erasing behind mixing': (
        run_of(
            [MIX, dict(type='RandomErasing', n_patches=1, ratio=0.1), PACK_BOTH],
            weighting='image',
        ),
        'Put RandomErasing at train_dataloader.dataset.pipeline[3] before',
    ),
    'mixing perhaps twice': (
        run_of(
            [MIX, dict(type='RandomApply', transforms=[MIX]), PACK_BOTH],
            weighting='image',
        ),
        'Remove LossMixTransform at train_dataloader.dataset.pipeline[2] or',
    ),
    'a batch mixed twice, in a wrapped detector': (
        run_of([PACK], [dict(type='BatchLossMix'), dict(type='BatchUnionMix')]),
        'BatchUnionMix at model.detector.data_preprocessor.batch_augments[1]',
    ),
    'an image for each lambda, and one for all': (
        run_of([MIX, PACK_BOTH]),
        "Set `weighting='image'` in `model`",
    ),
    'a teacher of mmdet that reads no partners': (
        run_of([MIX, PACK_BOTH], model='SoftTeacher'),
        'SoftTeacher ignores the annotations of partners',
    ),
    'mixing in the branch of a teacher': (
        run_of(
            [dict(type='MultiBranch', branch_field=['sup'], sup=[SAMPLED, PACK])],
            model='SoftTeacher',
        ),
        'Remove SampledLossMixTransform at train_dataloader.dataset.pipeline[2].sup[0]',
    ),
}


@pytest.mark.parametrize('name', RUNS)
def test_refused_before_the_first_step(name):
    cfg, words = RUNS[name]
    with pytest.raises(ValueError, match=r'Remove|Replace|Wrap|Set|Put') as error:
        check_config(cfg)
    assert words in str(error.value)


def test_a_batch_is_resized_after_it_was_mixed():
    """The order of batch augments: found in the first step, with the remedy."""
    cfg = thin_model_cfg('fcos')
    cfg.data_preprocessor.batch_augments = [
        dict(type='BatchLossMix'),
        dict(type='BatchResize', scale=(320, 320)),
    ]
    model = MODELS.build(dict(type='LossMixDetector', detector=cfg))
    with pytest.raises(ValueError, match='as the last of `batch_augments`'):
        model.loss(*mixed_batch(model, [None, None]))


def test_the_table_is_long():
    assert len(TABLE) + len(RUNS) >= 40
