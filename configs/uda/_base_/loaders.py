# Two images of each domain in a batch; one GPU.
train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DomainSampler', per_domain=[2, 2]),
    dataset=dict(
        type='ConcatDataset',
        ignore_keys=['classes', 'palette', 'dataset_type', 'cumulative_sizes'],
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
)
test_dataloader = val_dataloader
