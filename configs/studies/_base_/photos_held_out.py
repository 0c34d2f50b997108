# For choices: trained on 500 photographs, tested on those of `dev_train` that are in no
# smaller list. `dev_test` is not looked at.
_base_ = 'photos.py'

lists = 'VOC2007/ImageSets/Main/'
train_dataloader = dict(dataset=dict(ann_file=lists + 'dev_train_500.txt'))
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='HeldOut',
        trained_on=_base_.photos.data_root + lists + 'dev_train_2000.txt',
        dataset={
            **_base_.val_dataloader.dataset,
            'ann_file': lists + 'dev_train.txt',
        },
    )
)
test_dataloader = val_dataloader
