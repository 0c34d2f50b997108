_base_ = ['thin_fcos.py', 'lite0.py']

model = dict(**_base_.lite0, bbox_head=_base_.lite0_dense_head)
